//! Who may use whom, from where, and what every member declares.

use std::collections::BTreeSet;

use crate::graph::{CHECKS, METADATA, PRODUCT, member, root, tree, tree_with_features};

#[test]
fn crates_form_a_line() {
    for package in METADATA.workspace_packages() {
        let name = package.name.as_str();
        let members = package.dependencies.iter().filter(|dependency| dependency.path.is_some());
        for dependency in members.map(|dependency| dependency.name.as_str()) {
            let place = |name| PRODUCT.iter().position(|product| *product == name);
            let allowed = match (place(name), place(dependency)) {
                (Some(user), Some(used)) => user < used,
                (None, Some(_)) => CHECKS.contains(&name),
                (_, None) => false,
            };
            assert!(
                allowed,
                "{name} depends on {dependency}; arrows go only {}, and nobody uses {CHECKS:?}",
                PRODUCT.join(" -> ")
            );
        }
    }
}

#[test]
fn members_are_the_known_ones() {
    for package in METADATA.workspace_packages() {
        let name = package.name.as_str();
        assert!(
            PRODUCT.contains(&name) || CHECKS.contains(&name),
            "{name} is a new workspace member: give it a place in the line in tests/structure/graph.rs"
        );
        let published = package.publish.as_ref().is_none_or(|registries| !registries.is_empty());
        assert_eq!(published, PRODUCT.contains(&name), "{name}: `publish` is wrong");
    }
}

#[test]
fn fuzz_is_a_workspace_of_its_own() {
    for package in METADATA.workspace_packages() {
        let directory = package.manifest_path.strip_prefix(&METADATA.workspace_root);
        assert!(
            !directory.is_ok_and(|path| path.starts_with("fuzz")),
            "fuzz must be in the workspace's `exclude`: it needs other compiler flags"
        );
    }
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("exclude = [\"fuzz\"]"), "Cargo.toml must exclude fuzz");
}

#[test]
fn members_declare_licence_msrv_and_lints() {
    for package in METADATA.workspace_packages() {
        let name = package.name.as_str();
        assert_eq!(package.license.as_deref(), Some("MIT OR Apache-2.0"), "{name}: license");
        let msrv = package.rust_version.as_ref().map(ToString::to_string);
        assert_eq!(msrv.as_deref(), Some("1.95.0"), "{name}: rust-version");
        assert!(package.description.is_some(), "{name}: description");
    }
    for name in PRODUCT {
        let manifest = std::fs::read_to_string(&member(name).manifest_path).unwrap();
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{name} must take the workspace's lints, which forbid unsafe code"
        );
    }
}

#[test]
fn packages_come_from_the_registry_or_the_workspace() {
    let members: BTreeSet<_> = METADATA.workspace_members.iter().collect();
    for package in &METADATA.packages {
        let ok = match &package.source {
            Some(source) => source.repr.starts_with("registry+"),
            None => members.contains(&package.id),
        };
        assert!(ok, "{} comes from {:?}, not from the registry", package.name, package.source);
    }
}

#[test]
fn krb_proto_has_no_io_clock_or_randomness() {
    let names = tree("krb-proto", &["--all-features"]);
    let foreign = ["tokio", "mio", "socket2", "async-io", "polling", "rustix", "getrandom", "time"];
    for name in foreign {
        assert!(
            !names.contains(name),
            "krb-proto uses {name}: I/O, time and randomness are its callers' business \
             (see `cargo tree -p krb-proto -e normal,build -i {name}`)"
        );
    }
    let source = std::fs::read_to_string(root().join("krb-proto/src/lib.rs")).unwrap();
    assert!(source.contains("no_std"), "krb-proto must stay no_std");
}

#[test]
fn what_only_tests_need_is_in_no_release() {
    // As it is built for tests, and for a release.
    let release = ["--no-default-features"];
    for script in ["tests/shipped-server", "mcp-server/deploy/programs"] {
        let built = std::fs::read_to_string(root().join(script)).unwrap();
        let line = format!("--package krb-mcp {}\n", release[0]);
        assert!(built.contains(&line), "{script}: {built}");
    }
    for line in tree_with_features("krb-mcp", &release) {
        let (name, features) = line.split_once(' ').unwrap_or((&line, ""));
        let allowed: &[&str] = match name {
            "krb-client" => &["default"],
            _ if PRODUCT.contains(&name) => &[],
            _ => continue,
        };
        let features: Vec<_> = features.split(',').filter(|feature| !feature.is_empty()).collect();
        assert!(
            features.iter().all(|feature| allowed.contains(feature)),
            "a release of krb-mcp has {name} with {features:?}: if users need it, allow it here"
        );
    }
}

#[test]
fn every_direct_dependency_has_its_reason() {
    let path = "docs/decisions/dependencies.md";
    let text = std::fs::read_to_string(root().join(path)).unwrap();
    let written: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let used: BTreeSet<&str> = METADATA
        .workspace_packages()
        .into_iter()
        .flat_map(|package| &package.dependencies)
        .filter(|dependency| dependency.path.is_none())
        .map(|dependency| dependency.name.as_str())
        .collect();
    let missing: Vec<_> = used.difference(&written).collect();
    assert!(missing.is_empty(), "add a line to {path} for {missing:?}");
    let stale: Vec<_> = written.difference(&used).collect();
    assert!(stale.is_empty(), "{path} has lines for {stale:?}, which no member uses any more");
}

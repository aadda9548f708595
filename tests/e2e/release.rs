//! What a release is: made in one command, the same twice, and all that its pages speak of is in it.
//! Its programs are those of the tests, since nothing of the rest depends on the optimizer.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use krb_tests::Lab;
use krb_tests::lab::shipped_server;
use serde_json::Value;

use crate::lab;

const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../mcp-server/deploy");

/// The folder that `programs` would make.
fn programs(lab: &Lab, place: &Path) -> PathBuf {
    let folder = place.join("programs");
    let shipped = shipped_server();
    let from = shipped.parent().unwrap().display();
    lab.shell(&format!(
        "mkdir -p '{0}/amd64' && ln -s '{from}/krb-mcp' '{from}/krb' '{0}/amd64'",
        folder.display()
    ));
    folder
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// The name of each command and of those below it, as manual pages are called.
fn commands(program: &Path, of: &mut Vec<String>, pages: &mut BTreeSet<String>) {
    let output = Command::new(program).args(&of[1..]).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    pages.insert(format!("{}.1", of.join("-")));
    let Some((_, list)) = help.split_once("Commands:\n") else { return };
    for line in list.lines().take_while(|line| !line.is_empty()) {
        // What is told of one goes on in lines that are further in.
        let Some(name) = line.strip_prefix("  ").filter(|line| !line.starts_with(' ')) else {
            continue;
        };
        let name = name.split(' ').next().unwrap();
        if name != "help" {
            of.push(name.to_owned());
            commands(program, of, pages);
            of.pop();
        }
    }
}

#[test]
fn a_release_is_the_same_twice_and_has_what_its_pages_speak_of() {
    let lab = lab!();
    let place = lab.scratch("release");
    let folder = programs(lab, &place);
    lab.shell(&format!(
        "cd '{0}'
         '{DEPLOY}/release' --programs '{1}' first
         CARGO_TARGET_DIR=/nowhere TZ=Asia/Tokyo LC_ALL=C '{DEPLOY}/release' --programs '{1}' second
         diff -r first second
         cd first && sha256sum --quiet --check SHA256SUMS && [[ $(ls | wc -l) == $(($(wc -l <SHA256SUMS) + 1)) ]]",
        place.display(),
        folder.display()
    ));
    let first = place.join("first");
    let version = env!("CARGO_PKG_VERSION");
    let expected = [
        format!("krb-{version}-linux-amd64.cdx.json"),
        format!("krb-{version}-linux-amd64.oci.tar"),
        format!("krb-mcp-{version}-linux-amd64.cdx.json"),
        format!("krb-mcp-{version}-linux-amd64.oci.tar"),
        format!("krb-mcp-{version}-linux-amd64.tar.gz"),
        format!("krb-mcp-chart-{version}.tgz"),
        "SHA256SUMS".into(),
    ];
    assert_eq!(names(&first), BTreeSet::from(expected));

    let archive = first.join(format!("krb-mcp-{version}-linux-amd64"));
    lab.shell(&format!("tar -C '{}' -xf '{}.tar.gz'", first.display(), archive.display()));
    for program in ["krb-mcp", "krb"] {
        let mut pages = BTreeSet::new();
        commands(&archive.join(program), &mut vec![program.to_owned()], &mut pages);
        let found = names(&archive.join("man/man1"));
        assert!(pages.is_subset(&found), "{program}: {pages:?} {found:?}");
        assert!(
            fs::read_to_string(archive.join(format!("completions/bash/{program}")))
                .unwrap()
                .contains(program)
        );
    }
    // A link of a page leads somewhere.
    let pages =
        ["container.md", "proxy.md", "watch.md", "keycloak.md"].map(|page| format!("docs/{page}"));
    for page in pages.into_iter().chain(["README.md".into()]) {
        let file = archive.join(page);
        let (text, page) = (fs::read_to_string(&file).unwrap(), file.display());
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let is_there = link.is_empty() || file.parent().unwrap().join(link).exists();
            assert!(is_there || link.starts_with("https://"), "{page}: {link}");
        }
    }
    let schema = fs::read(archive.join("krb-mcp.schema.json")).unwrap();
    assert!(serde_json::from_slice::<Value>(&schema).unwrap()["properties"].is_object());
    let licences = fs::read_to_string(archive.join("LICENSES-OF-CRATES")).unwrap();
    assert!(licences.contains("tokio-1.") && licences.contains("Permission is hereby granted"));
    for (file, words) in [
        ("glibc.txt", "GNU Lesser General Public"),
        ("libgcc.txt", "GCC RUNTIME LIBRARY EXCEPTION"),
        ("rust-std.html", "Apache-2.0"),
        ("LGPL-2.1", "Version 2.1, February 1999"),
        ("GPL-3", "Version 3, 29 June 2007"),
    ] {
        let text = fs::read_to_string(archive.join("LICENSES-OF-LIBRARIES").join(file)).unwrap();
        assert!(text.contains(words), "{file}");
    }
}

/// An archive of the sources has no history, and one that lies in somebody's repository has none of its own.
#[test]
fn a_release_is_made_of_sources_without_a_history_and_leaves_nothing_that_broke_off() {
    let lab = lab!();
    let place = lab.scratch("release-of-an-archive");
    let folder = programs(lab, &place);
    let project = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let (place, folder) = (place.display(), folder.display());
    lab.shell(&format!(
        "rm -rf '{place}/around' && mkdir -p '{place}/around/sources' && cd '{place}/around'
         git init --quiet && git -c user.name=x -c user.email=x@example.com commit --quiet --allow-empty -m x
         (cd '{project}' && find Cargo.toml Cargo.lock README.md LICENSE-* docs krb-proto krb-client delegation \
            mcp-server benches tests -type f -not -path '*/target/*' -print0 | xargs -0 cp --parents -t '{place}/around/sources')
         cd '{place}'
         KRB_MCP_REVISION=0123abc around/sources/mcp-server/deploy/release --programs '{folder}' around/made
         [[ $(tar -tf around/made/krb-mcp-*-linux-amd64.tar.gz | grep -c '/docs/') -gt 20 ]]
         grep -q 0123abc around/made/krb-mcp-*.cdx.json
         if around/sources/mcp-server/deploy/release --programs /nowhere around/broken; then exit 1; fi
         [[ $(ls around) == $'made\nsources' ]]"
    ));
}

#[test]
fn what_a_program_is_made_of_is_what_cargo_locked() {
    let lab = lab!();
    let locked = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock");
    let mut checksums = BTreeMap::new();
    for package in fs::read_to_string(locked).unwrap().split("[[package]]").skip(1) {
        let field = |name: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim_matches('"').to_owned())
        };
        let named = (field("name = ").unwrap(), field("version = ").unwrap());
        checksums.insert(named, field("checksum = "));
    }
    for (program, has, has_not) in [("krb-mcp", "rmcp", "criterion"), ("krb", "clap", "rustls")] {
        let file = shipped_server().with_file_name(program);
        let text = lab.shell(&format!("'{DEPLOY}/sbom' {program} '{}'", file.display()));
        let bom: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(bom["metadata"]["component"]["name"], program);
        let components = bom["components"].as_array().unwrap();
        let mut inside = BTreeSet::new();
        for component in components {
            let text = |field: &str| component[field].as_str().unwrap().to_owned();
            let (name, version) = (text("name"), text("version"));
            assert!(!component["licenses"][0]["expression"].as_str().unwrap().is_empty(), "{name}");
            if text("scope") == "required" {
                inside.insert(name.clone());
            }
            if text("purl").starts_with("pkg:generic/") {
                continue;
            }
            let hash = component["hashes"][0]["content"].as_str().map(str::to_owned);
            assert_eq!(checksums.get(&(name.clone(), version)), Some(&hash), "{name}");
        }
        assert!(inside.contains(has) && !inside.contains(has_not), "{program}: {inside:?}");
        assert!(inside.contains("glibc") && inside.contains("rust-std"), "{program}");
        assert!(!inside.contains("syn"), "what macros are made of is in no program");
        let references: BTreeSet<_> =
            components.iter().map(|component| component["bom-ref"].as_str().unwrap()).collect();
        assert_eq!(references.len(), components.len(), "each has a name of its own");
        let graph = bom["dependencies"].as_array().unwrap();
        let used = graph.iter().flat_map(|one| one["dependsOn"].as_array().unwrap());
        assert!(used.clone().all(|one| references.contains(one.as_str().unwrap())));
        let used: BTreeSet<_> = used.map(|one| one.as_str().unwrap()).collect();
        assert_eq!(used, references, "everything is there for somebody");
    }
}

#[test]
fn a_processor_that_cannot_be_built_for_here_is_named() {
    let lab = lab!();
    // A compiler that has a library for this machine alone.
    let place = lab.scratch("programs-for-another");
    let sysroot = place.join("sysroot");
    fs::create_dir_all(&sysroot).unwrap();
    let script = format!("#!/bin/sh\necho '{}'\n", sysroot.display());
    let rustc = place.join("rustc");
    fs::write(&rustc, script).unwrap();
    lab.shell(&format!("chmod +x '{}'", rustc.display()));
    let output = Command::new(format!("{DEPLOY}/programs"))
        .args(["--for", "arm64"])
        .arg(place.join("out"))
        .env("RUSTC", &rustc)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("rustup target add aarch64-unknown-linux-gnu"), "{said}");
    let output =
        Command::new(format!("{DEPLOY}/programs")).args(["--for", "riscv64", "x"]).output();
    let said = String::from_utf8(output.unwrap().stderr).unwrap();
    assert!(said.contains("not for riscv64"), "{said}");
}

#[test]
fn the_image_of_the_command_line_holds_it_alone() {
    let lab = lab!();
    let place = lab.scratch("image-of-krb");
    fs::create_dir_all(&place).unwrap();
    let file = shipped_server().with_file_name("krb");
    lab.shell(&format!(
        "cd '{}' && '{DEPLOY}/image' --program krb --binary '{}' layout && umoci unpack --image layout unpacked",
        place.display(),
        file.display()
    ));
    let root = place.join("unpacked/rootfs");
    assert_eq!(names(&root), BTreeSet::from(["krb".into()]));
    let said = lab.shell(&format!(
        "bwrap --unshare-all --die-with-parent --uid 65532 --gid 65532 --cap-drop ALL --clearenv \
         --ro-bind '{}' / /krb --version",
        root.display()
    ));
    assert_eq!(said, format!("krb {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_dockerfile_makes_the_same_images() {
    let lab = lab!();
    let place = lab.scratch("dockerfile");
    let shipped = shipped_server();
    // Copies of them are many.
    lab.shell(&format!(
        "mkdir -p '{0}/programs'
         for program in krb-mcp krb; do strip -o '{0}/programs/'$program '{1}/'$program; done",
        place.display(),
        shipped.parent().unwrap().display()
    ));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/dockerfile");
    let labels = lab
        .shell(&format!("'{script}' '{0}/programs' '{0}/built' && rm -rf '{0}'", place.display()));
    for label in ["title krb-mcp", "title krb\n", "version 1.2.3", "licenses MIT OR Apache-2.0"] {
        assert!(labels.contains(&format!("org.opencontainers.image.{label}")), "{labels}");
    }
}

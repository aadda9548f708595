//! The workspace as cargo sees it, resolved for this machine with all features.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

/// What users of the project get, from left to right; each may use what stands right of it.
pub const PRODUCT: [&str; 4] = ["krb-mcp", "krb-delegation", "krb-client", "krb-proto"];

/// Members that may use everything and that nobody uses.
pub const CHECKS: [&str; 2] = ["krb-tests", "krb-benches"];

pub fn root() -> PathBuf {
    PathBuf::from(METADATA.workspace_root.as_std_path())
}

pub static METADATA: LazyLock<Metadata> = LazyLock::new(|| {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .features(cargo_metadata::CargoOpt::AllFeatures)
        .other_options(["--filter-platform".to_owned(), host()])
        .exec()
        .expect("cargo metadata")
});

fn host() -> String {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().expect("rustc -vV");
    let text = String::from_utf8(output.stdout).expect("rustc -vV in UTF-8");
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host triple").to_owned()
}

pub fn member(name: &str) -> &'static Package {
    METADATA
        .workspace_packages()
        .into_iter()
        .find(|package| package.name == name)
        .unwrap_or_else(|| panic!("the workspace has no member {name}"))
}

/// The packages that are compiled into `name` or run while it is built, itself included.
pub fn normal_and_build(name: &str) -> BTreeMap<&'static PackageId, &'static Package> {
    let resolve = METADATA.resolve.as_ref().expect("a resolved graph");
    let nodes: BTreeMap<_, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let mut seen = BTreeSet::new();
    let mut next = vec![&member(name).id];
    while let Some(id) = next.pop() {
        if seen.insert(id) {
            let built = |kind: DependencyKind| kind != DependencyKind::Development;
            let deps = nodes[id].deps.iter();
            next.extend(
                deps.filter(|dep| dep.dep_kinds.iter().any(|k| built(k.kind))).map(|dep| &dep.pkg),
            );
        }
    }
    seen.into_iter().map(|id| (id, &METADATA[id])).collect()
}

/// The names in `cargo tree -e normal,build` of one member with the given features. Unlike the
/// metadata, which unites the features of the whole workspace, it shows what is built for this
/// member alone.
pub fn tree(name: &str, features: &[&str]) -> BTreeSet<String> {
    cargo_tree(name, "{p}", features)
        .lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

/// The same, each as `NAME FEATURE,FEATURE…`.
pub fn tree_with_features(name: &str, features: &[&str]) -> BTreeSet<String> {
    cargo_tree(name, "{lib} {f}", features)
        .lines()
        .map(|line| line.trim_end_matches(" (*)").trim_end().replace('_', "-"))
        .collect()
}

fn cargo_tree(name: &str, format: &str, features: &[&str]) -> String {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "-p", name, "-e", "normal,build", "--prefix", "none", "--format", format])
        .args(features)
        .current_dir(root())
        .output()
        .expect("cargo tree");
    assert!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo tree in UTF-8")
}

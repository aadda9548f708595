//! Where C code may come in: nowhere in the libraries, one crypto provider in the server.
//! See `docs/decisions/0002-c-code.md`.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, Package};

use crate::graph::{normal_and_build, tree};

// What compiles or finds C code when it is built.
const BUILDERS: [&str; 6] = ["cc", "cmake", "bindgen", "pkg-config", "vcpkg", "autotools"];

// Other implementations of what this project does itself or gets from its one provider.
const FOREIGN: [&str; 8] = [
    "ring",
    "openssl",
    "openssl-sys",
    "native-tls",
    "libgssapi",
    "libgssapi-sys",
    "cross-krb5",
    "pavao",
];

// Bindings to the kernel's or the platform's interface that contain no C.
const PURE_SYS: [&str; 1] = ["linux-raw-sys"];

// aws-lc-sys: the crypto provider. psm: 100 lines of assembly that move the stack pointer, through
// Cedar's parser; stacker is its caller and compiles C on Windows only.
const SERVER_MAY: [&str; 3] = ["aws-lc-sys", "psm", "stacker"];

#[test]
fn the_libraries_are_free_of_c() {
    for name in ["krb-proto", "krb-client"] {
        let suspects: Vec<String> = tree(name, &["--all-features"])
            .into_iter()
            .filter(|package| {
                BUILDERS.contains(&&**package)
                    || FOREIGN.contains(&&**package)
                    || package.starts_with("aws-lc")
                    || (package.ends_with("-sys") && !PURE_SYS.contains(&&**package))
            })
            .collect();
        assert!(
            suspects.is_empty(),
            "{name} builds C code through {suspects:?}; \
             see `cargo tree -p {name} --all-features -e normal,build -i {}`",
            suspects[0]
        );
    }
}

#[test]
fn the_server_has_one_crypto_provider_and_psm() {
    let built = tree("krb-mcp", &["--all-features"]);
    for name in FOREIGN {
        assert!(
            !built.contains(name),
            "krb-mcp builds {name}; switch off the feature that brings it: \
             `cargo tree -p krb-mcp --all-features -e normal,build -i {name}`"
        );
    }
    let graph = normal_and_build("krb-mcp");
    let with_c: BTreeSet<&str> = graph
        .values()
        .filter(|package| built.contains(package.name.as_str()) && has_c(package))
        .map(|package| package.name.as_str())
        .filter(|name| !PURE_SYS.contains(name))
        .collect();
    let unexpected: Vec<_> = with_c.iter().filter(|name| !SERVER_MAY.contains(name)).collect();
    assert!(
        unexpected.is_empty(),
        "krb-mcp builds or links C code through {unexpected:?}; only {SERVER_MAY:?} may"
    );
}

fn has_c(package: &Package) -> bool {
    let builds = package.dependencies.iter().any(|dependency| {
        dependency.kind == DependencyKind::Build && BUILDERS.contains(&&*dependency.name)
    });
    builds || package.name.ends_with("-sys")
}

//! Every oracle holds over its corpus, and over what lies near it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::vec::Vec;
use std::{assert, assert_eq, fs};

use super::ALL;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries =
        fs::read_dir(directory).unwrap_or_else(|e| panic!("{}: {e}", directory.display()));
    entries
        .map(|entry| {
            let path = entry.unwrap().path();
            path.file_stem().unwrap().to_string_lossy().into_owned()
        })
        .collect()
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let directory = fuzz().join("corpus").join(target);
    let mut paths: Vec<_> =
        fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

/// The corpus must hold this input. `BLESS=1 cargo test` puts it there.
pub(crate) fn assert_seed(target: &str, name: &str, input: &[u8]) {
    let path = fuzz().join("corpus").join(target).join(name);
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, input).unwrap();
    }
    assert!(
        fs::read(&path).is_ok_and(|seed| seed == input),
        "{} is not the seed that this test makes; BLESS=1 writes it",
        path.display()
    );
}

#[test]
fn every_oracle_has_a_target_and_a_corpus() {
    let oracles: BTreeSet<String> = ALL.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(names(&fuzz().join("fuzz_targets")), oracles);
    assert_eq!(names(&fuzz().join("corpus")), oracles);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for (name, _) in ALL {
        let target =
            fs::read_to_string(fuzz().join("fuzz_targets").join(name).with_extension("rs"));
        assert!(target.unwrap().contains(&std::format!("oracles::{name}(")), "{name}");
        assert!(manifest.contains(&std::format!("name = \"{name}\"")), "{name}");
    }
}

#[test]
fn every_message_type_is_in_the_oracle() {
    let oracle = include_str!("messages.rs");
    let exported = include_str!("../asn1/mod.rs").split("pub use ").skip(1);
    let types = exported.flat_map(|list| {
        let list = list.split(';').next().unwrap().split("::").nth(1).unwrap();
        list.split([',', '{', '}', '\n']).map(str::trim).filter(|name| !name.is_empty())
    });
    // Members of others, and what is not DER.
    const INSIDE: &[&str] = &[
        "NameString",
        "PrincipalName",
        "HostAddress",
        "AuthorizationDataElement",
        "EncryptedData",
        "EncryptionKey",
        "Checksum",
        "SecretOctets",
        "KrbCredInfo",
        "IakerbRealm",
        "LastReqEntry",
        "TransitedEncoding",
        "ErrorData",
        "KerbExtError",
        "LsapTokenInfoIntegrity",
        "Verifier",
        "VerifierMac",
        "KrbFastArmoredReq",
        "KrbFastArmoredRep",
        "KrbFastFinished",
        "OtpTokenInfo",
        "KrbSafeBody",
        "SpakeChallenge",
        "SpakeResponse",
        "SpakeSecondFactor",
        "SpakeSupport",
        "S4uUserId",
        "Attribute",
        "EncapsulatedContentInfo",
        "IssuerAndSerialNumber",
        "SignerIdentifier",
        "SignerInfo",
        "DhRepInfo",
        "ExternalPrincipalIdentifier",
        "KdfAlgorithmId",
        "PaChecksum2",
        "PkAuthenticator",
    ];
    // Whole words: `KdcReq` is not fuzzed because `KdcReqBody` is.
    let words: Vec<_> = oracle.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    for name in types.filter(|name| !INSIDE.contains(name)) {
        assert!(words.contains(&name), "{name} is not fuzzed");
    }
}

#[test]
fn the_corpus_holds() {
    for (name, oracle) in ALL {
        let seeds = corpus(name);
        assert!(!seeds.is_empty(), "{name}");
        seeds.iter().for_each(|seed| oracle(seed));
    }
}

/// A bit flipped, cut, an octet doubled: as much of it as every test run can afford.
#[test]
fn so_does_what_lies_near_it() {
    for (name, oracle) in ALL {
        let seeds = corpus(name);
        let octets: usize = seeds.iter().map(Vec::len).sum();
        let step = (seeds.len() * 4 + octets) / 4_000 + 1;
        for seed in &seeds {
            for at in (0..seed.len()).step_by(step) {
                let mut near = seed.clone();
                near[at] ^= 1 << (at % 8);
                oracle(&near);
                near.insert(at, near[at]);
                oracle(&near);
                oracle(&seed[..at]);
            }
        }
    }
}

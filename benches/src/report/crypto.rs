//! The crypto's part of the page.

use std::fmt::Write;

use krb_proto::iana::EncType;

use super::Figures;
use super::table::{self, duration};
use super::target::Target;
use crate::cases::{ENCTYPES, Id, LARGE, Operation, sizes, stretches};
use crate::names::{
    CACHED, HEIMDAL, HEIMDAL_CACHED, KERBEROS_CRYPTO, MIT, MIT_CACHED, OPENSSL, OURS, PICKY,
};

fn messages(enctypes: &[i32]) -> Vec<String> {
    let enctypes = enctypes.iter().copied().map(EncType);
    enctypes
        .flat_map(|enctype| sizes(enctype).map(move |size| (enctype, size)))
        .flat_map(|(enctype, size)| {
            [Operation::Encrypt, Operation::Decrypt]
                .map(|operation| Id::Cipher(operation, enctype, size).to_string())
        })
        .collect()
}

fn passwords(enctypes: &[i32]) -> Vec<String> {
    enctypes.iter().map(|number| Id::StringToKey(EncType(*number)).to_string()).collect()
}

pub(super) fn targets(figures: &Figures) -> Vec<Target> {
    const AES_SHA1: &str = "enctypes 17 and 18, encrypt and decrypt, keys cached";
    const CHAIN: &str = "Encryption is bound by the chain of AES-CBC, decryption by that of the \
                         hash; where both overlap, the longer one remains. Against OpenSSL it is \
                         the time of one block that counts: its assembly against the crates' \
                         intrinsics, without unsafe code of ours. The smallest messages are bound \
                         by what is done once for each, two compressions to finish the HMAC and \
                         the confounder.";
    const SHA512: &str = "SHA-384 takes most of the time, and the crate's compression function is slower than \
         OpenSSL's, which is written in assembly.";
    const RC4: &str = "MD5 and RC4 are serial chains, and one waits for the other.";
    const CAMELLIA: &str = "Two serial chains of the camellia crate's block function, which takes half as long again \
         as OpenSSL's; a cipher core of our own is not worth having for it.";
    const PBKDF2: &str = "A chain of compressions, two lanes at once where two blocks are wanted (enctype 18). With \
         SHA-384 it is the compression function of the sha2 crate that bounds it.";
    let aes = messages(&[17, 18]);
    let (sha256, sha384) = (messages(&[19]), messages(&[20]));
    vec![
        Target::at_most(AES_SHA1, 1.0, figures, &aes, (CACHED, OPENSSL), CHAIN),
        Target::at_least(AES_SHA1, 5.0, figures, &aes, (CACHED, &[MIT_CACHED]), CHAIN),
        Target::at_least(AES_SHA1, 4.0, figures, &aes, (CACHED, &[PICKY]), CHAIN),
        Target::at_most("enctype 19", 1.0, figures, &sha256, (CACHED, OPENSSL), CHAIN),
        Target::at_least("enctype 19", 8.0, figures, &sha256, (CACHED, &[MIT_CACHED]), CHAIN),
        Target::at_least("enctype 20", 3.0, figures, &sha384, (CACHED, &[MIT_CACHED]), SHA512),
        Target::at_most("enctype 20", 1.1, figures, &sha384, (CACHED, OPENSSL), SHA512),
        Target::at_least(
            "enctype 23",
            1.0,
            figures,
            &messages(&[23]),
            (CACHED, &[MIT_CACHED, KERBEROS_CRYPTO]),
            RC4,
        ),
        Target::at_most(
            "enctypes 25 and 26",
            1.2,
            figures,
            &messages(&[25, 26]),
            (CACHED, MIT_CACHED),
            CAMELLIA,
        ),
        derivation_target(figures),
        Target::at_least(
            "string-to-key, AES-256 with SHA-1",
            1.5,
            figures,
            &passwords(&[18]),
            (OURS, &[PICKY]),
            PBKDF2,
        ),
        Target::at_least(
            "string-to-key, AES-256 with SHA-1",
            6.0,
            figures,
            &passwords(&[18]),
            (OURS, &[MIT]),
            PBKDF2,
        ),
        Target::at_least(
            "string-to-key, enctypes 19 and 20",
            4.0,
            figures,
            &passwords(&[19, 20]),
            (OURS, &[MIT]),
            PBKDF2,
        ),
    ]
}

/// What derivation adds to the encryption of 64 octets: the same for everybody who can do without.
fn derivation(figures: &Figures, enctype: EncType, cached: &str, uncached: &str) -> Option<f64> {
    let case = Id::Cipher(Operation::Encrypt, enctype, 64).to_string();
    Some(figures.median(&case, uncached)? - figures.median(&case, cached)?)
}

/// RC4 derives nothing that is worth keeping.
fn derives(enctype: EncType) -> bool {
    enctype != EncType::RC4_HMAC
}

fn derivation_target(figures: &Figures) -> Target {
    let times = 5.0;
    let mut ratios: Vec<(f64, i32)> = ENCTYPES
        .into_iter()
        .filter(|enctype| derives(*enctype))
        .filter_map(|enctype| {
            let ours = derivation(figures, enctype, CACHED, OURS)?;
            Some((derivation(figures, enctype, MIT_CACHED, MIT)? / ours, enctype.0))
        })
        .collect();
    ratios.sort_by(|(first, _), (second, _)| first.total_cmp(second));
    let measured = match ratios.as_slice() {
        [(least, at_least), .., (most, at_most)] => {
            format!("{least:.2} (enctype {at_least}) to {most:.2} (enctype {at_most})")
        }
        _ => "not measured".to_owned(),
    };
    Target {
        what: "key derivation, uncached",
        demand: format!("≥ {times} × as fast as {MIT}"),
        measured,
        reached: ratios.first().is_some_and(|(worst, _)| *worst >= times),
        bound: "Enctypes 19 and 20 derive with one HMAC for each key, of four compressions, and \
                expand it with two more; enctypes 25 and 26 with CMAC, whose blocks are a chain of \
                the camellia crate's. With SHA-384 those compressions are nearly all of it, for \
                MIT too. Who encrypts more than once keeps the derived keys.",
    }
}

pub(super) fn tables(figures: &Figures) -> String {
    let mut text = String::new();
    for enctype in ENCTYPES {
        writeln!(text, "\n### {} {enctype}", enctype.0).expect("a string takes all");
        for (operation, name) in [(Operation::Encrypt, "encrypt"), (Operation::Decrypt, "decrypt")]
        {
            let columns: Vec<(String, String)> = sizes(enctype)
                .map(|size| (Id::Cipher(operation, enctype, size).to_string(), title(size)))
                .collect();
            write!(text, "\n{}", table::times(figures, name, &columns, CACHED))
                .expect("a string takes all");
        }
    }
    let columns: Vec<(String, String)> = ENCTYPES
        .into_iter()
        .filter(|enctype| stretches(*enctype))
        .map(|enctype| (Id::StringToKey(enctype).to_string(), enctype.to_string()))
        .collect();
    format!(
        "{text}\n### Key derivation\n\nWhat encryption of 64 octets takes longer if the keys of the \
         usage are derived for it:\n\n{}\n### String-to-key\n\nWith the default parameters of \
         each enctype (4096 iterations for 17 and 18, 32768 for the others):\n\n{}",
        derivations(figures),
        table::times(figures, "string-to-key", &columns, OURS),
    )
}

fn derivations(figures: &Figures) -> String {
    let enctypes = || ENCTYPES.into_iter().filter(|enctype| derives(*enctype));
    let titles: Vec<String> = enctypes().map(|enctype| enctype.to_string()).collect();
    let mut rows = table::head("derivation", titles.iter().map(String::as_str));
    for (who, cached, uncached) in [
        ("**krb-proto**", CACHED, OURS),
        (MIT, MIT_CACHED, MIT),
        (HEIMDAL, HEIMDAL_CACHED, HEIMDAL),
    ] {
        let cells = enctypes().map(|enctype| {
            derivation(figures, enctype, cached, uncached).map_or("–".to_owned(), duration)
        });
        table::row(&mut rows, who, cells);
    }
    rows
}

fn title(size: usize) -> String {
    match size {
        64 => "64 B".to_owned(),
        LARGE => "1 MiB".to_owned(),
        _ => format!("{} KB", size as f64 / 1024.0),
    }
}

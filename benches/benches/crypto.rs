//! Encryption, decryption and string-to-key. MAC comparison against the position of the first wrong
//! byte is here too: the figures must show no trend.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use kerberos_crypto::{AesSizes, KerberosCipher};
use krb_benches::Fixed;
use krb_proto::crypto::{Key, constant_time_eq};
use krb_proto::iana::{EncType, KeyUsage};

const USAGE: KeyUsage = KeyUsage::TICKET;

fn key(enctype: EncType) -> Key {
    let length = if matches!(enctype.0, 17 | 19) { 16 } else { 32 };
    Key::new(enctype, &vec![7; length]).expect("a key")
}

fn messages(c: &mut Criterion) {
    for enctype in [17, 18, 19, 20].map(EncType) {
        let key = key(enctype);
        let cached = key.for_usage(USAGE);
        let plain = vec![0x42; 1_500];
        let sealed = key.encrypt(USAGE, &plain, &mut Fixed);
        let mut group = c.benchmark_group(format!("{enctype}, 1500 B"));
        group.bench_function("encrypt, krb-proto, keys cached", |b| {
            b.iter(|| cached.encrypt(black_box(&plain), &mut Fixed));
        });
        group.bench_function("encrypt, krb-proto", |b| {
            b.iter(|| key.encrypt(USAGE, black_box(&plain), &mut Fixed));
        });
        group.bench_function("decrypt, krb-proto, keys cached", |b| {
            b.iter(|| cached.decrypt(black_box(&sealed)).expect("ours"));
        });
        if let Some(peer) = peer(enctype) {
            let usage = USAGE.0 as i32;
            group.bench_function("encrypt, kerberos_crypto", |b| {
                b.iter(|| peer.encrypt(key.as_bytes(), usage, black_box(&plain)));
            });
            group.bench_function("decrypt, kerberos_crypto", |b| {
                b.iter(|| peer.decrypt(key.as_bytes(), usage, black_box(&sealed)).expect("ours"));
            });
        }
        group.finish();
    }
}

fn peer(enctype: EncType) -> Option<kerberos_crypto::AesCipher> {
    match enctype.0 {
        17 => Some(kerberos_crypto::AesCipher::new(AesSizes::Aes128)),
        18 => Some(kerberos_crypto::AesCipher::new(AesSizes::Aes256)),
        _ => None,
    }
}

fn string_to_key(c: &mut Criterion) {
    let mut group = c.benchmark_group("string-to-key, aes256-cts-hmac-sha1-96, 4096 rounds");
    group.bench_function("krb-proto", |b| {
        b.iter(|| Key::from_password(EncType(18), black_box(b"secret"), b"W25AD.NETalice", None));
    });
    group.bench_function("kerberos_crypto", |b| {
        let peer = kerberos_crypto::AesCipher::new(AesSizes::Aes256);
        b.iter(|| peer.generate_key_from_string(black_box("secret"), b"W25AD.NETalice"));
    });
    group.finish();
}

fn mac_comparison(c: &mut Criterion) {
    let mac = [0x11; 24];
    let mut group = c.benchmark_group("MAC comparison, first wrong byte at");
    for position in [0, 8, 16, 23] {
        let mut wrong = mac;
        wrong[position] ^= 1;
        group.bench_function(position.to_string(), |b| {
            b.iter(|| constant_time_eq(black_box(&mac), black_box(&wrong)));
        });
    }
    group.finish();
}

criterion_group!(benches, messages, string_to_key, mac_comparison);
criterion_main!(benches);

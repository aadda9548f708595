//! Decoding and encoding a TGS-REP. The floor is a walk over its TLVs that looks at nothing.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use krb_benches::tgs_rep;
use krb_proto::asn1::TgsRep;
use krb_proto::der::{self, Encode, Reader, Writer};

/// Enters every constructed value, and passes over every other.
fn walk(mut reader: Reader<'_>) -> usize {
    let mut values = 0;
    while let Some(tag) = reader.peek_tag() {
        let contents = reader.enter(tag).expect("well-formed");
        values += 1 + if tag & 0x20 == 0 { 0 } else { walk(contents) };
    }
    values
}

fn decode(c: &mut Criterion) {
    for cipher in [1_500, 12_000] {
        let message = tgs_rep(cipher);
        let mut group = c.benchmark_group(format!("decode TGS-REP, ticket of {cipher} B"));
        group.bench_function("floor: TLV walk", |b| {
            b.iter(|| walk(Reader::new(black_box(&message))));
        });
        group.bench_function("krb-proto", |b| {
            b.iter(|| der::decode::<TgsRep<'_>>(black_box(&message)).expect("valid"));
        });
        group.bench_function("kerberos_asn1", |b| {
            use kerberos_asn1::Asn1Object;
            b.iter(|| kerberos_asn1::TgsRep::parse(black_box(&message)).expect("valid"));
        });
        group.bench_function("rasn-kerberos", |b| {
            b.iter(|| {
                rasn::der::decode::<rasn_kerberos::TgsRep>(black_box(&message)).expect("valid")
            });
        });
        group.bench_function("picky-krb", |b| {
            b.iter(|| {
                picky_asn1_der::from_bytes::<picky_krb::messages::TgsRep>(black_box(&message))
                    .expect("valid")
            });
        });
        group.finish();
    }
}

fn encode(c: &mut Criterion) {
    let message = tgs_rep(1_500);
    let mut group = c.benchmark_group("encode TGS-REP, ticket of 1500 B");
    let ours: TgsRep<'_> = der::decode(&message).expect("valid");
    group.bench_function("krb-proto, reused buffer", |b| {
        let mut writer = Writer::new();
        b.iter(|| {
            writer.clear();
            black_box(&ours).encode(&mut writer);
            writer.mark()
        });
    });
    group.bench_function("krb-proto, fresh vector", |b| b.iter(|| der::encode(black_box(&ours))));
    let rasn: rasn_kerberos::TgsRep = rasn::der::decode(&message).expect("valid");
    group.bench_function("rasn-kerberos", |b| {
        b.iter(|| rasn::der::encode(black_box(&rasn)).expect("encodes"));
    });
    let picky: picky_krb::messages::TgsRep = picky_asn1_der::from_bytes(&message).expect("valid");
    group.bench_function("picky-krb", |b| {
        b.iter(|| picky_asn1_der::to_vec(black_box(&picky)).expect("encodes"));
    });
    group.finish();
}

criterion_group!(benches, decode, encode);
criterion_main!(benches);

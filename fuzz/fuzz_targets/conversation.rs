#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| krb_proto::oracles::conversation(input));

use rand::Rng as _;

/// Letters that make a name which no other has.
pub(super) fn letters() -> String {
    let mut bytes = [0; 10];
    rand::rng().fill_bytes(&mut bytes);
    bytes.iter().map(|byte| char::from(b'A' + byte % 26)).collect()
}

use std::fmt::Write;

use serde_json::Value;

use crate::resources::sql::postgres::wire::Body;

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xc000;
const INFINITY: u16 = 0xd000;
const NEGATIVE_INFINITY: u16 = 0xf000;

/// `numeric`, exactly as the server writes it: groups of four digits, of which the first counts
/// 10000^weight, and so many digits behind the point.
pub(super) fn numeric(bytes: &[u8]) -> Option<Value> {
    let mut body = Body(bytes.to_vec().into());
    let mut next = || body.i16().ok().map(i16::cast_unsigned);
    let count = usize::from(next()?);
    let (weight, sign, scale) = (next()?.cast_signed(), next()?, usize::from(next()?));
    let negative = match sign {
        0 => false,
        NEGATIVE => true,
        NAN => return Some("NaN".into()),
        INFINITY => return Some("Infinity".into()),
        NEGATIVE_INFINITY => return Some("-Infinity".into()),
        _ => return None,
    };
    let groups = (0..count).map(|_| next().filter(|group| *group < 10_000));
    let groups = groups.collect::<Option<Vec<_>>>()?;
    let group = |index: i32| {
        usize::try_from(index).ok().and_then(|index| groups.get(index)).copied().unwrap_or(0)
    };
    let weight = i32::from(weight);
    let mut text = String::new();
    if negative {
        text.push('-');
    }
    if weight < 0 {
        text.push('0');
    }
    for index in 0..=weight {
        match index {
            0 => write!(text, "{}", group(0)).ok()?,
            index => write!(text, "{:04}", group(index)).ok()?,
        }
    }
    if scale > 0 {
        let mut fraction = String::new();
        let mut index = weight + 1;
        if weight < -1 {
            // Groups of zeros that are not sent.
            index = 0;
            let zeros = usize::try_from(-(weight + 1)).ok()?;
            (0..zeros.min(scale / 4 + 1)).for_each(|_| fraction.push_str("0000"));
        }
        while fraction.len() < scale {
            write!(fraction, "{:04}", group(index)).ok()?;
            index += 1;
        }
        text.push('.');
        text.push_str(fraction.get(..scale)?);
    }
    Some(text.into())
}

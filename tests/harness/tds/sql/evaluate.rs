//! Expressions.

use std::cmp::Ordering;

use super::super::token::SqlError;
use super::super::value::{Type, Value, moment};
use super::syntax::Expression;

pub(in super::super) type Typed = (Type, Value);
type Result<T> = std::result::Result<T, SqlError>;

/// Where names have their values.
pub(in super::super) trait Names {
    fn variable(&self, name: &str) -> Result<Typed>;
    fn column(&self, of: Option<&str>, name: &str) -> Result<Typed>;
    fn call(&self, name: &str, arguments: &[Typed]) -> Result<Typed>;
}

/// The longer of two texts' types of one kind; else the first.
fn longer(one: Type, other: Type) -> Type {
    match (one, other) {
        (Type::VarChar(a), Type::VarChar(b)) => Type::VarChar(a.zip(b).map(|(a, b)| a.max(b))),
        (Type::NVarChar(a), Type::NVarChar(b)) => Type::NVarChar(a.zip(b).map(|(a, b)| a.max(b))),
        _ => one,
    }
}

pub(in super::super) fn evaluate(expression: &Expression, names: &dyn Names) -> Result<Typed> {
    let bit = |is: Option<bool>| (Type::Bit, is.map_or(Value::Null, |is| Value::Int(is.into())));
    Ok(match expression {
        Expression::Constant(ty, value) => (*ty, value.clone()),
        Expression::Variable(name) => names.variable(name)?,
        Expression::Column(of, name) => names.column(of.as_deref(), name)?,
        Expression::Call(name, arguments) => {
            let arguments = arguments.iter().map(|argument| evaluate(argument, names));
            names.call(name, &arguments.collect::<Result<Vec<_>>>()?)?
        }
        Expression::Cast(inner, ty) => (*ty, convert(evaluate(inner, names)?.1, *ty)?),
        Expression::Not(inner) => bit(truth(&evaluate(inner, names)?.1).map(|is| !is)),
        Expression::IsNull(inner, negated) => {
            bit(Some((evaluate(inner, names)?.1 == Value::Null) != *negated))
        }
        Expression::In(inner, among) => {
            let value = evaluate(inner, names)?.1;
            let mut found = Some(false);
            for other in among {
                match compare(&value, &evaluate(other, names)?.1)? {
                    Some(Ordering::Equal) => return Ok(bit(Some(true))),
                    None => found = None,
                    _ => {}
                }
            }
            bit(found)
        }
        Expression::Case(cases, other) => {
            let mut taken = None;
            for (condition, value) in cases {
                if truth(&evaluate(condition, names)?.1) == Some(true) {
                    taken = Some(evaluate(value, names)?);
                    break;
                }
            }
            let last = other.as_ref().map(|other| evaluate(other, names)).transpose()?;
            let (mut ty, value) = taken.or(last.clone()).unwrap_or((Type::Int, Value::Null));
            // Of texts the longest, whichever is taken.
            let branches =
                cases.iter().map(|(_, value)| evaluate(value, names)).chain(last.map(Ok));
            for branch in branches {
                ty = longer(ty, branch?.0);
            }
            (ty, value)
        }
        Expression::Operation(left, operator, right) => {
            let (left, right) = (evaluate(left, names)?, evaluate(right, names)?);
            match *operator {
                "AND" => bit(match (truth(&left.1), truth(&right.1)) {
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                }),
                "OR" => bit(match (truth(&left.1), truth(&right.1)) {
                    (Some(true), _) | (_, Some(true)) => Some(true),
                    (Some(false), Some(false)) => Some(false),
                    _ => None,
                }),
                "LIKE" => bit(match (&left.1, &right.1) {
                    (Value::Text(text), Value::Text(pattern)) => {
                        Some(text.to_lowercase().contains(&pattern.to_lowercase().replace('%', "")))
                    }
                    _ => None,
                }),
                "+" | "-" | "*" | "/" | "%" => arithmetic(&left, operator, &right)?,
                operator => bit(compare(&left.1, &right.1)?.map(|order| match operator {
                    "=" => order.is_eq(),
                    "<>" | "!=" => order.is_ne(),
                    "<=" => order.is_le(),
                    ">=" => order.is_ge(),
                    "<" => order.is_lt(),
                    _ => order.is_gt(),
                })),
            }
        }
    })
}

pub(in super::super) fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Int(number) => Some(*number != 0),
        _ => None,
    }
}

fn arithmetic(left: &Typed, operator: &str, right: &Typed) -> Result<Typed> {
    if left.1 == Value::Null || right.1 == Value::Null {
        return Ok((left.0, Value::Null));
    }
    if let (Value::Text(a), "+", b) = (&left.1, operator, &right.1) {
        let Value::Text(b) = convert(b.clone(), Type::NVarChar(Some(4000)))? else {
            return Ok((left.0, Value::Null));
        };
        return Ok((Type::NVarChar(Some(4000)), Value::Text(format!("{a}{b}"))));
    }
    let overflow = || SqlError::new(8115, 16, "Arithmetic overflow error converting expression.");
    match (&left.1, &right.1) {
        (Value::Int(a), Value::Int(b)) => {
            if matches!(operator, "/" | "%") && *b == 0 {
                return Err(SqlError::new(8134, 16, "Divide by zero error encountered."));
            }
            let result = match operator {
                "+" => a.checked_add(*b),
                "-" => a.checked_sub(*b),
                "*" => a.checked_mul(*b),
                "/" => a.checked_div(*b),
                _ => a.checked_rem(*b),
            };
            let ty =
                if (left.0, right.0) == (Type::Int, Type::Int) { Type::Int } else { Type::BigInt };
            Ok((ty, convert(Value::Int(result.ok_or_else(overflow)?), ty)?))
        }
        (Value::Int(0), Value::Decimal(n, scale)) if operator == "-" => {
            Ok((right.0, Value::Decimal(-n, *scale)))
        }
        (Value::Int(0), Value::Float(n)) if operator == "-" => Ok((right.0, Value::Float(-n))),
        _ => Err(overflow()),
    }
}

/// `None` if one is NULL.
pub(in super::super) fn compare(left: &Value, right: &Value) -> Result<Option<Ordering>> {
    Ok(match (left, right) {
        (Value::Null, _) | (_, Value::Null) => None,
        // The collation is blind to case.
        (Value::Text(a), Value::Text(b)) => Some(a.to_lowercase().cmp(&b.to_lowercase())),
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Bytes(a), Value::Bytes(b)) => Some(a.cmp(b)),
        (Value::Moment(a, b, c), Value::Moment(d, e, f)) => Some((a, b, c).cmp(&(d, e, f))),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Decimal(a, s), Value::Decimal(b, t)) if s == t => Some(a.cmp(b)),
        (Value::Text(_), Value::Int(_)) => compare(&convert(left.clone(), Type::BigInt)?, right)?,
        (Value::Int(_), Value::Text(_)) => compare(left, &convert(right.clone(), Type::BigInt)?)?,
        (Value::Int(a), Value::Decimal(b, scale)) => {
            Some((i128::from(*a) * 10_i128.pow((*scale).into())).cmp(b))
        }
        (Value::Decimal(..), Value::Int(_)) => compare(right, left)?.map(Ordering::reverse),
        #[expect(clippy::cast_precision_loss, reason = "for comparing small numbers")]
        (Value::Int(a), Value::Float(b)) => (*a as f64).partial_cmp(b),
        (a, b) => return Err(SqlError::new(402, 16, format!("{a:?} and {b:?} do not compare."))),
    })
}

/// The value as one of another type.
pub(in super::super) fn convert(value: Value, ty: Type) -> Result<Value> {
    let failed = |value: &Value| {
        SqlError::new(245, 16, format!("Conversion failed when converting {value:?} to {ty:?}."))
    };
    let overflow = || SqlError::new(8115, 16, "Arithmetic overflow error converting expression.");
    let scaled = |value: &Value, scale: u8| -> Option<i128> {
        match value {
            Value::Int(n) => i128::from(*n).checked_mul(10_i128.pow(scale.into())),
            Value::Decimal(n, own) if *own <= scale => {
                n.checked_mul(10_i128.pow((scale - own).into()))
            }
            Value::Decimal(n, own) => Some(n / 10_i128.pow((own - scale).into())),
            _ => None,
        }
    };
    Ok(match (ty, value) {
        (_, Value::Null) => Value::Null,
        (Type::TinyInt | Type::SmallInt | Type::Int | Type::BigInt | Type::Bit, value) => {
            let number = match &value {
                Value::Int(n) => *n,
                Value::Text(text) => text.trim().parse().map_err(|_| failed(&value))?,
                #[expect(clippy::cast_possible_truncation, reason = "as CAST does")]
                Value::Float(n) => *n as i64,
                other => i64::try_from(scaled(other, 0).ok_or_else(|| failed(other))?)
                    .map_err(|_| overflow())?,
            };
            let range = match ty {
                Type::TinyInt => 0..=255,
                Type::SmallInt => i16::MIN.into()..=i16::MAX.into(),
                Type::Int => i32::MIN.into()..=i32::MAX.into(),
                _ => i64::MIN..=i64::MAX,
            };
            if !range.contains(&number) {
                return Err(overflow());
            }
            Value::Int(if ty == Type::Bit { (number != 0).into() } else { number })
        }
        (Type::Real | Type::Float, value) => match &value {
            Value::Float(_) => value,
            #[expect(clippy::cast_precision_loss, reason = "as CAST does")]
            Value::Int(n) => Value::Float(*n as f64),
            #[expect(clippy::cast_precision_loss, reason = "as CAST does")]
            Value::Decimal(n, scale) => Value::Float(*n as f64 / 10_f64.powi((*scale).into())),
            Value::Text(text) => Value::Float(text.trim().parse().map_err(|_| failed(&value))?),
            other => return Err(failed(other)),
        },
        (Type::Decimal(_, scale), value) => {
            Value::Decimal(scaled(&value, scale).ok_or_else(|| failed(&value))?, scale)
        }
        (Type::Money | Type::SmallMoney, value) => {
            Value::Decimal(scaled(&value, 4).ok_or_else(|| failed(&value))?, 4)
        }
        (Type::NVarChar(length) | Type::VarChar(length), value) => {
            let text = match &value {
                Value::Text(text) => text.clone(),
                Value::Int(n) => n.to_string(),
                Value::Float(n) => n.to_string(),
                Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                other => format!("{other:?}"),
            };
            match length {
                Some(length) => Value::Text(text.chars().take(length.into()).collect()),
                None => Value::Text(text),
            }
        }
        (Type::Xml, value @ Value::Text(_))
        | (Type::VarBinary(_) | Type::Guid, value @ Value::Bytes(_)) => value,
        (Type::VarBinary(_), Value::Text(text)) => Value::Bytes(text.into_bytes()),
        (Type::Guid, Value::Text(text)) => {
            let digits: String = text.chars().filter(|c| *c != '-').collect();
            let byte = |at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
            let bytes: Option<Vec<u8>> = (0..32).step_by(2).map(byte).collect();
            let bytes = bytes.ok_or_else(|| failed(&Value::Text(text)))?;
            // The first three groups are numbers, little-endian.
            let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
            Value::Bytes(order.iter().map(|at| bytes[*at]).collect())
        }
        (_, value @ Value::Moment(..)) => value,
        (_, Value::Text(text)) => moment(&text).ok_or_else(|| failed(&Value::Text(text)))?,
        (_, other) => return Err(failed(&other)),
    })
}

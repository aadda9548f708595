//! Expressions, and types.

use super::super::super::token::SqlError;
use super::super::super::value::{Type, Value};
use super::super::lexer::Word;
use super::super::syntax::Expression;
use super::{Parser, Result};

/// Functions without parentheses.
const BARE: [&str; 4] = ["CURRENT_USER", "SESSION_USER", "SYSTEM_USER", "CURRENT_TIMESTAMP"];

/// The loosest first.
const OPERATORS: [&[&str]; 5] = [
    &["OR"],
    &["AND"],
    &["=", "<>", "!=", "<=", ">=", "<", ">", "LIKE"],
    &["+", "-"],
    &["*", "/", "%"],
];

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Result<Expression> {
        self.binary(0)
    }

    fn binary(&mut self, level: usize) -> Result<Expression> {
        let Some(operators) = OPERATORS.get(level) else { return self.primary() };
        if level == 2 && self.keyword("NOT") {
            return Ok(Expression::Not(Box::new(self.binary(level)?)));
        }
        let mut left = self.binary(level + 1)?;
        loop {
            if level == 2 {
                if self.keyword("IS") {
                    let negated = self.keyword("NOT");
                    if !self.keyword("NULL") {
                        return Err(self.near());
                    }
                    left = Expression::IsNull(Box::new(left), negated);
                    continue;
                }
                if self.keyword("IN") {
                    self.expect("(")?;
                    let among = self.list(Self::expression)?;
                    self.expect(")")?;
                    left = Expression::In(Box::new(left), among);
                    continue;
                }
            }
            let found = operators.iter().copied().find(|operator| {
                if operator.chars().all(char::is_alphabetic) {
                    self.keyword(operator)
                } else {
                    self.sign(operator)
                }
            });
            let Some(operator) = found else { return Ok(left) };
            let right = self.binary(level + 1)?;
            left = Expression::Operation(Box::new(left), operator, Box::new(right));
        }
    }

    pub(super) fn primary(&mut self) -> Result<Expression> {
        if self.sign("(") {
            let inner = self.expression()?;
            return self.expect(")").map(|()| inner);
        }
        if self.sign("-") {
            let zero = Expression::Constant(Type::Int, Value::Int(0));
            return Ok(Expression::Operation(Box::new(zero), "-", Box::new(self.primary()?)));
        }
        if self.keyword("NULL") {
            return Ok(Expression::Constant(Type::Int, Value::Null));
        }
        if self.keyword("CAST") {
            self.expect("(")?;
            let inner = self.expression()?;
            if !self.keyword("AS") {
                return Err(self.near());
            }
            let ty = self.ty()?;
            return self.expect(")").map(|()| Expression::Cast(Box::new(inner), ty));
        }
        if self.keyword("CASE") {
            let mut cases = Vec::new();
            let compared =
                if self.is_keyword("WHEN") { None } else { Some(Box::new(self.expression()?)) };
            while self.keyword("WHEN") {
                let mut condition = self.expression()?;
                if let Some(compared) = &compared {
                    condition = Expression::Operation(compared.clone(), "=", Box::new(condition));
                }
                if !self.keyword("THEN") {
                    return Err(self.near());
                }
                cases.push((condition, self.expression()?));
            }
            let other =
                if self.keyword("ELSE") { Some(Box::new(self.expression()?)) } else { None };
            return if self.keyword("END") {
                Ok(Expression::Case(cases, other))
            } else {
                Err(self.near())
            };
        }
        let (word, _) = self.words.get(self.at).ok_or_else(|| self.near())?;
        match word {
            Word::Text(text) => {
                let length = u16::try_from(text.encode_utf16().count().max(1)).ok();
                let ty = Type::NVarChar(length.filter(|length| *length <= 4000));
                let constant = Expression::Constant(ty, Value::Text(text.clone()));
                self.at += 1;
                Ok(constant)
            }
            Word::Binary(bytes) => {
                let length = u16::try_from(bytes.len().max(1)).ok().filter(|n| *n <= 8000);
                let value = Value::Bytes(bytes.clone());
                self.at += 1;
                Ok(Expression::Constant(Type::VarBinary(length), value))
            }
            Word::Number(number) => {
                let constant = number_of(number).ok_or_else(|| self.near())?;
                self.at += 1;
                Ok(constant)
            }
            Word::Variable(name) => {
                let name = name.to_ascii_lowercase();
                self.at += 1;
                Ok(Expression::Variable(name))
            }
            Word::Name(name, quoted) => {
                let is_bare = !quoted && BARE.iter().any(|word| name.eq_ignore_ascii_case(word));
                let mut path = self.path()?;
                let last = path.pop().unwrap_or_default();
                if is_bare {
                    return Ok(Expression::Call(last.to_ascii_lowercase(), Vec::new()));
                }
                if !self.sign("(") {
                    return Ok(Expression::Column(path.pop(), last));
                }
                if self.sign(")") {
                    return Ok(Expression::Call(last.to_ascii_lowercase(), Vec::new()));
                }
                let arguments = self.list(|parser| {
                    if parser.sign("*") {
                        return Ok(Expression::Constant(Type::Int, Value::Int(1)));
                    }
                    parser.expression()
                })?;
                self.expect(")")?;
                Ok(Expression::Call(last.to_ascii_lowercase(), arguments))
            }
            Word::Sign(_) => Err(self.near()),
        }
    }

    pub(super) fn ty(&mut self) -> Result<Type> {
        let name = self.path()?.pop().unwrap_or_default().to_ascii_lowercase();
        let mut sizes = Vec::new();
        let mut max = false;
        if self.sign("(") {
            if self.keyword("MAX") {
                max = true;
            } else {
                sizes = self.list(|parser| match parser.peek() {
                    Some(Word::Number(number)) => {
                        let number = number.parse::<u16>().map_err(|_| parser.near())?;
                        parser.at += 1;
                        Ok(number)
                    }
                    _ => Err(parser.near()),
                })?;
            }
            self.expect(")")?;
        }
        let small = |at: usize, default: u8| {
            sizes.get(at).and_then(|size| u8::try_from(*size).ok()).unwrap_or(default)
        };
        let length = if max { None } else { Some(sizes.first().copied().unwrap_or(1)) };
        Ok(match name.as_str() {
            "tinyint" => Type::TinyInt,
            "smallint" => Type::SmallInt,
            "int" => Type::Int,
            "bigint" => Type::BigInt,
            "bit" => Type::Bit,
            "real" => Type::Real,
            "float" => Type::Float,
            "decimal" | "numeric" => Type::Decimal(small(0, 18), small(1, 0)),
            "money" => Type::Money,
            "smallmoney" => Type::SmallMoney,
            "nvarchar" | "nchar" => Type::NVarChar(length),
            "sysname" => Type::NVarChar(Some(128)),
            "varchar" | "char" => Type::VarChar(length),
            "varbinary" | "binary" => Type::VarBinary(length),
            // As clients see them that have not said that they know them.
            "json" => Type::NVarChar(None),
            "vector" => Type::VarChar(None),
            "date" => Type::Date,
            "time" => Type::Time(small(0, 7)),
            "datetime2" => Type::DateTime2(small(0, 7)),
            "datetimeoffset" => Type::DateTimeOffset(small(0, 7)),
            "datetime" => Type::DateTime,
            "smalldatetime" => Type::SmallDateTime,
            "uniqueidentifier" => Type::Guid,
            "xml" => Type::Xml,
            _ => return Err(SqlError::new(2715, 16, format!("Cannot find data type {name}."))),
        })
    }
}

fn number_of(text: &str) -> Option<Expression> {
    if let Some((whole, fraction)) = text.split_once('.') {
        let scale = u8::try_from(fraction.len()).ok()?;
        let unscaled = format!("{whole}{fraction}").parse().ok()?;
        let precision = u8::try_from(whole.len() + fraction.len()).ok()?.max(1);
        let ty = Type::Decimal(precision, scale);
        return Some(Expression::Constant(ty, Value::Decimal(unscaled, scale)));
    }
    let number: i128 = text.parse().ok()?;
    if i32::try_from(number).is_ok() {
        return Some(Expression::Constant(Type::Int, Value::Int(i64::try_from(number).ok()?)));
    }
    let ty = Type::Decimal(u8::try_from(text.len()).ok()?, 0);
    Some(Expression::Constant(ty, Value::Decimal(number, 0)))
}

//! Truth values, numbers and times, as libkrb5 reads them.

const YES: [&str; 6] = ["y", "yes", "true", "t", "1", "on"];
const NO: [&str; 6] = ["n", "no", "false", "nil", "0", "off"];

pub(super) fn boolean(text: &str) -> Option<bool> {
    let one_of = |words: [&str; 6]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if one_of(YES) {
        Some(true)
    } else if one_of(NO) {
        Some(false)
    } else {
        None
    }
}

/// A time in seconds, in any of MIT's forms (its documentation's "duration"): `36000`, `1d2h30m5s`
/// with any of the parts and blanks between them, `10:00`, `10:00:00`, `1-10:00:00`. A part may be
/// negative. As in MIT's library a character that has no meaning ends the text (`10hours`).
/// `None` if it is none of these or beyond 32 bits.
#[must_use]
pub fn parse_duration(text: &str) -> Option<i32> {
    let mut tokens = Tokens(text.as_bytes());
    let first = tokens.number()?;
    let (value, next) = match tokens.next()? {
        Token::Symbol(b'd') => {
            (add(first.checked_mul(86_400)?, tokens.parts(b"hms")?)?, Token::End)
        }
        Token::Symbol(b'h') => (add(first.checked_mul(3600)?, tokens.parts(b"ms")?)?, Token::End),
        Token::Symbol(b'm') => (add(first.checked_mul(60)?, tokens.parts(b"s")?)?, Token::End),
        Token::Symbol(b's') => (first, tokens.next()?),
        Token::Symbol(b'-') => {
            let day = first.checked_mul(86_400)?;
            let hours = tokens.two_digits()?;
            let (Token::Symbol(b':'), minutes) = (tokens.next()?, tokens.two_digits()?) else {
                return None;
            };
            let (Token::Symbol(b':'), seconds) = (tokens.next()?, tokens.two_digits()?) else {
                return None;
            };
            (add(day, hours * 3600 + minutes * 60 + seconds)?, tokens.next()?)
        }
        Token::Symbol(b':') => {
            let hours = first.checked_mul(3600)?;
            let time = add(hours, tokens.two_digits()? * 60)?;
            match tokens.next()? {
                Token::Symbol(b':') => (add(time, tokens.two_digits()?)?, tokens.next()?),
                next => (time, next),
            }
        }
        next => (first, next),
    };
    matches!(next, Token::End).then_some(value)
}

fn add(a: i32, b: i32) -> Option<i32> {
    a.checked_add(b)
}

enum Token {
    /// A number, and whether it has more than two digits.
    Number(i32, bool),
    /// One of `-:dhms`.
    Symbol(u8),
    Blank,
    End,
}

struct Tokens<'a>(&'a [u8]);

impl Tokens<'_> {
    /// `None` for a number beyond 32 bits.
    fn next(&mut self) -> Option<Token> {
        let Some((&first, rest)) = self.0.split_first() else { return Some(Token::End) };
        let run = |part: fn(&u8) -> bool| self.0.iter().take_while(|byte| part(byte)).count();
        let (token, length) = match first {
            b'-' | b':' | b'd' | b'h' | b'm' | b's' => {
                self.0 = rest;
                return Some(Token::Symbol(first));
            }
            b'0'..=b'9' => {
                let length = run(u8::is_ascii_digit);
                let digits = core::str::from_utf8(self.0.get(..length)?).ok()?;
                (Token::Number(digits.parse().ok()?, length > 2), length)
            }
            b' ' | b'\t' | b'\n' => (Token::Blank, run(|byte| matches!(byte, b' ' | 9..=13))),
            _ => return Some(Token::End),
        };
        self.0 = self.0.get(length..)?;
        Some(token)
    }

    /// A number that may be negative, with blanks before it.
    fn number(&mut self) -> Option<i32> {
        match self.next()? {
            Token::Blank => self.signed(),
            token => self.signed_from(token),
        }
    }

    fn signed(&mut self) -> Option<i32> {
        let token = self.next()?;
        self.signed_from(token)
    }

    fn signed_from(&mut self, token: Token) -> Option<i32> {
        match token {
            Token::Number(number, _) => Some(number),
            Token::Symbol(b'-') => match self.next()? {
                Token::Number(number, _) => Some(-number),
                _ => None,
            },
            _ => None,
        }
    }

    fn two_digits(&mut self) -> Option<i32> {
        match self.next()? {
            Token::Number(number, false) => Some(number),
            _ => None,
        }
    }

    /// What may follow a number with a unit: numbers with smaller units, each smaller than the one
    /// before. Only seconds end the text at once; else blanks may end it.
    fn parts(&mut self, units: &[u8]) -> Option<i32> {
        let token = match self.next()? {
            Token::End => return Some(0),
            Token::Blank => match self.next()? {
                Token::End => return Some(0),
                token => token,
            },
            token => token,
        };
        let number = self.signed_from(token)?;
        let Token::Symbol(unit) = self.next()? else { return None };
        let at = units.iter().position(|&known| known == unit)?;
        match unit {
            b'h' => add(number.checked_mul(3600)?, self.parts(units.get(at + 1..)?)?),
            b'm' => add(number.checked_mul(60)?, self.parts(units.get(at + 1..)?)?),
            _ => matches!(self.next()?, Token::End).then_some(number),
        }
    }
}

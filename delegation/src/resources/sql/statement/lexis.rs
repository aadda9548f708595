//! The words of a statement, by rules that the parser and both servers share. What one of them could
//! read otherwise is refused before any of them sees it; comments are taken out.

use super::super::engine::Engine;
use super::failure::Refused;

/// A statement, with the final `;` and comments made spaces, so that places stay what they are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Lexis {
    pub(super) text: String,
    pub(super) tokens: Vec<Token>,
}

/// One word, name, value or sign.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Token {
    pub(super) what: What,
    /// From 1, in characters.
    pub(super) line: u64,
    pub(super) column: u64,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum What {
    /// A word that is not quoted, in capital letters: a keyword or a name.
    Word(String),
    /// A quoted name.
    Name,
    /// Text in quotes.
    Text,
    /// A number.
    Number(String),
    /// `$1` or `@name`.
    Placeholder(String),
    /// An operator, as long as it goes.
    Operator(String),
    /// A parenthesis, a bracket of an array, a comma, a dot.
    Sign(char),
}

/// So many characters a statement may have.
const MAX_LENGTH: usize = 1 << 16;
/// So many operators one in the other.
const MAX_DEPTH: usize = 200;

/// Operators of PostgreSQL; others are somebody's own.
const POSTGRES: &[&str] = &[
    "+", "-", "*", "/", "%", "^", "=", "<", ">", "<=", ">=", "<>", "!=", "||", "|", "&", "#", "~",
    "<<", ">>", "!~", "~*", "!~*", "~~", "!~~", "~~*", "!~~*", "->", "->>", "#>", "#>>", "@>",
    "<@", "&&", "@@", "::", "=>", "^@", "-|-",
];
/// Operators of SQL Server. Those that assign are none that a statement here needs.
const SQL_SERVER: &[&str] = &[
    "+", "-", "*", "/", "%", "=", "<", ">", "<=", ">=", "<>", "!=", "!<", "!>", "&", "|", "^", "~",
];
/// Behind these a sign may stand without a space.
const BEFORE_A_SIGN: &[&str] = &["+", "-", "*", "/", "%", "=", "<", ">", "<=", ">=", "<>", "!="];

/// Words that open an expression around what stands before them.
const INFIX: &[&str] = &[
    "AND",
    "OR",
    "UNION",
    "INTERSECT",
    "EXCEPT",
    "IS",
    "LIKE",
    "ILIKE",
    "SIMILAR",
    "IN",
    "BETWEEN",
    "NOT",
    "COLLATE",
    "AT",
    "ISNULL",
    "NOTNULL",
    "OVERLAPS",
    "ESCAPE",
    "OPERATOR",
    "XOR",
    "MOD",
    "DIV",
    "JOIN",
    "APPLY",
    "PIVOT",
    "UNPIVOT",
    "REGEXP",
    "RLIKE",
    "GLOB",
    "MATCH",
    "MEMBER",
    "OVERLAY",
    "CASE",
    "ELSE",
];

impl Lexis {
    pub(super) fn read(text: &str, engine: Engine) -> Result<Self, Refused> {
        if text.chars().count() > MAX_LENGTH {
            return Err(Refused::TooLong(MAX_LENGTH));
        }
        let chars: Vec<char> = text.chars().collect();
        let mut reader = Reader {
            engine,
            chars: &chars,
            at: 0,
            out: Vec::with_capacity(chars.len()),
            tokens: Vec::new(),
            line: 1,
            column: 1,
            brackets: 0,
        };
        reader.all()?;
        let Reader { out, tokens, .. } = reader;
        if tokens.is_empty() {
            return Err(Refused::Empty);
        }
        if depth(&tokens) > MAX_DEPTH {
            return Err(Refused::TooDeep);
        }
        Ok(Self { text: out.into_iter().collect(), tokens })
    }

    /// The statement without what may be secret: its literals are `?`.
    pub(super) fn redacted(&self) -> String {
        let lines: Vec<Vec<char>> =
            self.text.split('\n').map(|line| line.chars().collect()).collect();
        let mut text = String::new();
        for token in &self.tokens {
            let written = match &token.what {
                What::Text | What::Number(_) => "?".to_owned(),
                What::Word(word) => written(&lines, token, |_| word.chars().count()),
                What::Name => written(&lines, token, |name| {
                    let close = if name.first() == Some(&'[') { ']' } else { '"' };
                    name.iter().skip(1).position(|c| *c == close).map_or(name.len(), |end| end + 2)
                }),
                What::Placeholder(name) => written(&lines, token, |_| name.chars().count() + 1),
                What::Operator(operator) => operator.clone(),
                What::Sign(sign) => sign.to_string(),
            };
            let is_glued = matches!(token.what, What::Sign(')' | ']' | ',' | '.'))
                || text.is_empty()
                || text.ends_with(['(', '[', '.']);
            if !is_glued {
                text.push(' ');
            }
            text.push_str(&written);
        }
        text
    }

    /// The word at this index, in capital letters.
    pub(super) fn word(&self, index: usize) -> Option<&str> {
        match self.tokens.get(index).map(|token| &token.what) {
            Some(What::Word(word)) => Some(word),
            _ => None,
        }
    }

    /// How often a word stands there.
    pub(super) fn count(&self, word: &str) -> usize {
        self.tokens
            .iter()
            .filter(|token| matches!(&token.what, What::Word(is) if is == word))
            .count()
    }

    /// The index of the token that begins at this place.
    pub(super) fn at(&self, line: u64, column: u64) -> Option<usize> {
        self.tokens.binary_search_by_key(&(line, column), |token| (token.line, token.column)).ok()
    }
}

/// What of a token stands in its line, so many characters of it.
fn written(lines: &[Vec<char>], token: &Token, length: impl Fn(&[char]) -> usize) -> String {
    let index = |number: u64| usize::try_from(number).unwrap_or_default().saturating_sub(1);
    let line = lines.get(index(token.line)).map_or(&[][..], Vec::as_slice);
    let rest = line.get(index(token.column)..).unwrap_or_default();
    rest.iter().take(length(rest)).collect()
}

/// How deep what is read of it may be: for each parenthesis what stands in it, and around it all of the
/// operators between two commas.
fn depth(tokens: &[Token]) -> usize {
    #[derive(Default)]
    struct Level {
        operators: usize,
        inner: usize,
        deepest: usize,
    }
    impl Level {
        fn ends(&mut self) {
            self.deepest = self.deepest.max(self.operators + self.inner);
            (self.operators, self.inner) = (0, 0);
        }
    }
    let mut levels = vec![Level::default()];
    for token in tokens {
        match &token.what {
            What::Sign('(' | '[') => levels.push(Level::default()),
            What::Sign(')' | ']') if levels.len() > 1 => {
                if let Some(mut level) = levels.pop() {
                    level.ends();
                    if let Some(around) = levels.last_mut() {
                        around.inner = around.inner.max(level.deepest + 1);
                        around.operators += 1;
                    }
                }
            }
            What::Sign(',') => {
                if let Some(level) = levels.last_mut() {
                    level.ends();
                }
            }
            What::Operator(_) => {
                if let Some(level) = levels.last_mut() {
                    level.operators += 1;
                }
            }
            What::Word(word) if INFIX.contains(&&**word) => {
                if let Some(level) = levels.last_mut() {
                    level.operators += 1;
                }
            }
            _ => {}
        }
    }
    levels
        .iter_mut()
        .map(|level| {
            level.ends();
            level.deepest
        })
        .sum()
}

struct Reader<'a> {
    engine: Engine,
    chars: &'a [char],
    at: usize,
    out: Vec<char>,
    tokens: Vec<Token>,
    line: u64,
    column: u64,
    /// So many are open.
    brackets: usize,
}

const fn begins_word(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

const fn is_in_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

const fn is_operator(c: char) -> bool {
    matches!(
        c,
        '+' | '-' | '*' | '/' | '<' | '>' | '=' | '~' | '!' | '@' | '#' | '%' | '^' | '&' | '|'
    )
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    /// Goes on by one character, which stays or becomes a space.
    fn step(&mut self, keep: bool) {
        let Some(c) = self.peek(0) else { return };
        self.out.push(if keep || c == '\n' { c } else { ' ' });
        self.at += 1;
        if c == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
    }

    fn steps(&mut self, count: usize) {
        for _ in 0..count {
            self.step(true);
        }
    }

    fn sign(&self, what: &'static str) -> Refused {
        Refused::Sign { what, line: self.line, column: self.column }
    }

    fn token(&mut self, what: What, line: u64, column: u64) {
        self.tokens.push(Token { what, line, column });
    }

    fn all(&mut self) -> Result<(), Refused> {
        while let Some(c) = self.peek(0) {
            let (line, column) = (self.line, self.column);
            match c {
                ' ' | '\t' | '\n' => self.step(true),
                '\r' if self.peek(1) == Some('\n') => self.step(true),
                '\r' => return Err(self.sign("a carriage return alone")),
                c if c.is_control() => return Err(self.sign("a control character")),
                '-' if self.peek(1) == Some('-') => self.line_comment()?,
                '/' if self.peek(1) == Some('*') => self.comment()?,
                '\'' => self.text()?,
                '"' | '[' if self.is_name_quote(c) => self.name(c)?,
                '"' => return Err(self.sign("a name in \"…\" (write [name])")),
                c if begins_word(c) => self.word()?,
                c if c.is_ascii_digit() => self.number()?,
                '.' if self.peek(1).is_some_and(|c| c.is_ascii_digit())
                    && !self.is_behind_name() =>
                {
                    self.number()?;
                }
                '$' | '@' if self.is_placeholder(c) => self.placeholder()?,
                '(' | ')' | ',' | '.' => {
                    self.step(true);
                    self.token(What::Sign(c), line, column);
                }
                '[' | ']' if self.engine == Engine::Postgresql => {
                    self.brackets = match c {
                        '[' => self.brackets + 1,
                        _ => self.brackets.saturating_sub(1),
                    };
                    self.step(true);
                    self.token(What::Sign(c), line, column);
                }
                ':' if self.engine == Engine::Postgresql && self.peek(1) == Some(':') => {
                    self.steps(2);
                    self.token(What::Operator("::".into()), line, column);
                }
                // Of a slice of an array, and nothing else.
                ':' if self.engine == Engine::Postgresql && self.brackets > 0 => {
                    self.step(true);
                    self.token(What::Operator(":".into()), line, column);
                }
                ';' => self.end()?,
                c if is_operator(c) => self.operator()?,
                '$' => return Err(self.sign("text in $…$, or a $ in a name (write '…')")),
                '\\' => return Err(self.sign("a backslash outside of text")),
                '`' => return Err(self.sign("a backtick")),
                '?' => {
                    return Err(
                        self.sign("a question mark (use a function, or $1 and @name for values)")
                    );
                }
                '{' | '}' => return Err(self.sign("a brace")),
                ':' => return Err(self.sign("a colon")),
                ']' => return Err(self.sign("a bracket without its other one")),
                c if c.is_ascii() => return Err(self.sign("a sign that does not belong there")),
                _ => {
                    return Err(self
                        .sign("a character that is not ASCII, outside of text and quoted names"));
                }
            }
        }
        Ok(())
    }

    fn is_name_quote(&self, c: char) -> bool {
        match self.engine {
            Engine::Postgresql => c == '"',
            Engine::SqlServer => c == '[',
        }
    }

    /// Whether a name stands right before, to which a dot belongs.
    fn is_behind_name(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|before| self.chars.get(before));
        before.is_some_and(|c| is_in_word(*c) || matches!(c, '"' | ']' | ')' | '.'))
    }

    fn is_placeholder(&self, c: char) -> bool {
        match self.engine {
            Engine::Postgresql => c == '$' && self.peek(1).is_some_and(|c| c.is_ascii_digit()),
            Engine::SqlServer => c == '@' && self.peek(1).is_some_and(begins_word),
        }
    }

    /// What ends a word, a number or a quoted thing has to end it for everybody.
    fn ends(&self, behind: &'static str) -> Result<(), Refused> {
        match self.peek(0) {
            Some(c)
                if is_in_word(c)
                    || matches!(c, '\'' | '"' | '$' | '@' | '#' | '\\')
                    || !c.is_ascii() =>
            {
                Err(self.sign(behind))
            }
            Some('[') if self.engine == Engine::SqlServer => Err(self.sign(behind)),
            _ => Ok(()),
        }
    }

    fn line_comment(&mut self) -> Result<(), Refused> {
        while let Some(c) = self.peek(0) {
            match c {
                '\n' => break,
                '\r' if self.peek(1) != Some('\n') => {
                    return Err(self.sign("a carriage return alone"));
                }
                '\0' => return Err(self.sign("a control character")),
                _ => self.step(false),
            }
        }
        Ok(())
    }

    fn comment(&mut self) -> Result<(), Refused> {
        let unclosed = self.sign("a comment without its end");
        self.step(false);
        self.step(false);
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('*'), Some('/')) => {
                    self.step(false);
                    self.step(false);
                    return Ok(());
                }
                (Some('/'), Some('*')) => return Err(self.sign("a comment in a comment")),
                (Some('\r'), next) if next != Some('\n') => {
                    return Err(self.sign("a carriage return alone"));
                }
                (Some('\0'), _) => return Err(self.sign("a control character")),
                (Some(_), _) => self.step(false),
                (None, _) => return Err(unclosed),
            }
        }
    }

    fn text(&mut self) -> Result<(), Refused> {
        let (line, column) = (self.line, self.column);
        if matches!(self.tokens.last(), Some(Token { what: What::Text, .. })) {
            return Err(self.sign("a text right behind another one"));
        }
        let unclosed = self.sign("a text without its end");
        self.step(true);
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('\''), Some('\'')) => self.steps(2),
                (Some('\''), _) => {
                    self.step(true);
                    break;
                }
                (Some('\0'), _) => return Err(self.sign("a control character")),
                (Some('\r'), next) if next != Some('\n') => {
                    return Err(self.sign("a carriage return alone"));
                }
                // SQL Server takes both out of the text.
                (Some('\\'), Some('\n' | '\r')) if self.engine == Engine::SqlServer => {
                    return Err(self.sign("a backslash at the end of a line"));
                }
                (Some(_), _) => self.step(true),
                (None, _) => return Err(unclosed),
            }
        }
        self.ends("something right behind a text")?;
        self.token(What::Text, line, column);
        Ok(())
    }

    fn name(&mut self, open: char) -> Result<(), Refused> {
        let (line, column) = (self.line, self.column);
        let close = if open == '[' { ']' } else { open };
        let unclosed = self.sign("a quoted name without its end");
        self.step(true);
        let mut length = 0;
        loop {
            match self.peek(0) {
                Some(c) if c == close => {
                    if self.peek(1) == Some(close) {
                        return Err(self.sign("a quote in a quoted name"));
                    }
                    self.step(true);
                    break;
                }
                Some(c) if c.is_control() => return Err(self.sign("a control character in a name")),
                Some('[' | ']') => return Err(self.sign("a bracket in a quoted name")),
                Some(_) => {
                    length += 1;
                    self.step(true);
                }
                None => return Err(unclosed),
            }
        }
        if length == 0 {
            return Err(self.sign("an empty name"));
        }
        self.ends("something right behind a quoted name")?;
        self.token(What::Name, line, column);
        Ok(())
    }

    fn word(&mut self) -> Result<(), Refused> {
        let (line, column) = (self.line, self.column);
        let mut word = String::new();
        while let Some(c) = self.peek(0).filter(|c| is_in_word(*c)) {
            word.push(c.to_ascii_uppercase());
            self.step(true);
        }
        // N'…' is a text for everybody at SQL Server.
        if self.engine == Engine::SqlServer && word == "N" && self.peek(0) == Some('\'') {
            self.text()?;
            if let Some(token) = self.tokens.last_mut() {
                (token.line, token.column) = (line, column);
            }
            return Ok(());
        }
        if self.peek(0) == Some('&') && matches!(self.peek(1), Some('\'' | '"')) {
            return Err(self.sign("text with escapes (U&'…')"));
        }
        self.ends("a text or sign right behind a word, such as E'…' (write '…')")?;
        self.token(What::Word(word), line, column);
        Ok(())
    }

    fn number(&mut self) -> Result<(), Refused> {
        let (line, column) = (self.line, self.column);
        let from = self.at;
        let is_hex = self.engine == Engine::SqlServer
            && self.peek(0) == Some('0')
            && matches!(self.peek(1), Some('x' | 'X'))
            && self.peek(2).is_some_and(|c| c.is_ascii_hexdigit());
        if is_hex {
            self.steps(2);
            while self.peek(0).is_some_and(|c| c.is_ascii_hexdigit()) {
                self.step(true);
            }
        } else {
            self.digits();
            if self.peek(0) == Some('.') {
                self.step(true);
                self.digits();
            }
            if matches!(self.peek(0), Some('e' | 'E')) {
                let sign = usize::from(matches!(self.peek(1), Some('+' | '-')));
                if self.peek(1 + sign).is_some_and(|c| c.is_ascii_digit()) {
                    self.steps(1 + sign);
                    self.digits();
                }
            }
        }
        if self.peek(0) == Some('.') {
            return Err(self.sign("a dot right behind a number"));
        }
        self.ends("something right behind a number")?;
        let written = self.chars[from..self.at].iter().collect();
        self.token(What::Number(written), line, column);
        Ok(())
    }

    fn digits(&mut self) {
        while self.peek(0).is_some_and(|c| c.is_ascii_digit()) {
            self.step(true);
        }
    }

    fn placeholder(&mut self) -> Result<(), Refused> {
        let (line, column) = (self.line, self.column);
        self.step(true);
        let mut name = String::new();
        while let Some(c) = self.peek(0).filter(|c| is_in_word(*c)) {
            name.push(c);
            self.step(true);
        }
        if self.engine == Engine::Postgresql && !name.bytes().all(|b| b.is_ascii_digit()) {
            return Err(self.sign("a letter right behind a placeholder"));
        }
        self.ends("something right behind a placeholder")?;
        self.token(What::Placeholder(name), line, column);
        Ok(())
    }

    fn operator(&mut self) -> Result<(), Refused> {
        let (line, column) = (self.line, self.column);
        let mut run = String::new();
        while let Some(c) = self.peek(0).filter(|c| is_operator(*c)) {
            let comment =
                (c == '-' && self.peek(1) == Some('-')) || (c == '/' && self.peek(1) == Some('*'));
            if comment {
                break;
            }
            run.push(c);
            self.step(true);
        }
        let known = match self.engine {
            Engine::Postgresql => POSTGRES,
            Engine::SqlServer => SQL_SERVER,
        };
        if known.contains(&&*run) {
            self.token(What::Operator(run), line, column);
            return Ok(());
        }
        // `=-1` is two.
        let sign = run.pop().filter(|sign| matches!(sign, '-' | '+'));
        match sign {
            Some(sign) if BEFORE_A_SIGN.contains(&&*run) => {
                let behind = column + run.chars().count() as u64;
                self.token(What::Operator(run), line, column);
                self.token(What::Operator(sign.into()), line, behind);
                Ok(())
            }
            _ => Err(Refused::Sign { what: "an operator that is not known here", line, column }),
        }
    }

    /// A `;` ends the statement, and nothing comes behind it.
    fn end(&mut self) -> Result<(), Refused> {
        self.step(false);
        let before = self.tokens.len();
        while let Some(c) = self.peek(0) {
            match c {
                ' ' | '\t' | '\n' => self.step(true),
                '\r' if self.peek(1) == Some('\n') => self.step(true),
                '-' if self.peek(1) == Some('-') => self.line_comment()?,
                '/' if self.peek(1) == Some('*') => self.comment()?,
                _ => return Err(Refused::Several),
            }
        }
        debug_assert_eq!(before, self.tokens.len());
        Ok(())
    }
}

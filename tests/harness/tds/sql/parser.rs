//! From words to statements.

mod expressions;

use super::super::token::SqlError;
use super::super::value::{Type, Value};
use super::lexer::{Word, words};
use super::syntax::{Expression, From, Item, Join, Made, Scope, Select, Source, Statement, Way};

type Result<T> = std::result::Result<T, SqlError>;

pub(in super::super) fn statements(text: &str) -> Result<Vec<(Statement, u32)>> {
    let words = words(text)?;
    let mut parser = Parser { words: &words, at: 0 };
    let mut statements = Vec::new();
    while parser.skip_ends() {
        let line = parser.line();
        parser.statement(&mut statements, line)?;
    }
    Ok(statements)
}

/// The declaration of `sp_executesql`'s parameters.
pub(in super::super) fn declarations(text: &str) -> Result<Vec<(String, Type)>> {
    let words = words(text)?;
    let mut parser = Parser { words: &words, at: 0 };
    let mut declared = Vec::new();
    while parser.at < words.len() {
        let name = parser.variable()?;
        declared.push((name, parser.ty()?));
        parser.keyword("OUTPUT");
        if !parser.sign(",") {
            break;
        }
    }
    if parser.at < words.len() { Err(parser.near()) } else { Ok(declared) }
}

struct Parser<'a> {
    words: &'a [(Word, u32)],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Word> {
        self.words.get(self.at).map(|(word, _)| word)
    }

    fn line(&self) -> u32 {
        self.words.get(self.at).or(self.words.last()).map_or(1, |(_, line)| *line)
    }

    fn near(&self) -> SqlError {
        let word = self.peek().map_or_else(String::new, |word| format!("{word:?}"));
        let mut error = SqlError::new(102, 15, format!("Incorrect syntax near {word}."));
        error.line = self.line();
        error
    }

    fn is_keyword(&self, keyword: &str) -> bool {
        matches!(self.peek(), Some(Word::Name(name, false)) if name.eq_ignore_ascii_case(keyword))
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let is = self.is_keyword(keyword);
        self.at += usize::from(is);
        is
    }

    fn keywords(&mut self, keywords: &[&str]) -> bool {
        let before = self.at;
        let all = keywords.iter().all(|keyword| self.keyword(keyword));
        if !all {
            self.at = before;
        }
        all
    }

    fn sign(&mut self, sign: &str) -> bool {
        let is = matches!(self.peek(), Some(Word::Sign(found)) if *found == sign);
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, sign: &str) -> Result<()> {
        if self.sign(sign) { Ok(()) } else { Err(self.near()) }
    }

    fn name(&mut self) -> Result<String> {
        match self.peek() {
            Some(Word::Name(name, _)) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.near()),
        }
    }

    fn variable(&mut self) -> Result<String> {
        match self.peek() {
            Some(Word::Variable(name)) => {
                let name = name.to_ascii_lowercase();
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.near()),
        }
    }

    /// `a.b.c`
    fn path(&mut self) -> Result<Vec<String>> {
        let mut path = vec![self.name()?];
        while self.sign(".") {
            path.push(self.name()?);
        }
        Ok(path)
    }

    fn skip_ends(&mut self) -> bool {
        while self.sign(";") {}
        self.at < self.words.len()
    }

    fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut list = vec![one(self)?];
        while self.sign(",") {
            list.push(one(self)?);
        }
        Ok(list)
    }

    fn statement(&mut self, out: &mut Vec<(Statement, u32)>, line: u32) -> Result<()> {
        if self.keyword("DECLARE") {
            let all = self.list(|parser| {
                let (name, ty) = (parser.variable()?, parser.ty()?);
                let value = if parser.sign("=") { Some(parser.expression()?) } else { None };
                Ok(Statement::Declare(name, ty, value))
            })?;
            out.extend(all.into_iter().map(|statement| (statement, line)));
            return Ok(());
        }
        let statement = self.one()?;
        out.push((statement, line));
        Ok(())
    }

    fn one(&mut self) -> Result<Statement> {
        if self.keyword("SELECT") {
            return Ok(Statement::Select(self.select()?));
        }
        if self.keyword("SET") {
            return self.set();
        }
        if self.keywords(&["EXECUTE", "AS"]) || self.keywords(&["EXEC", "AS"]) {
            return self.execute_as();
        }
        if self.keyword("EXECUTE") || self.keyword("EXEC") {
            return self.execute();
        }
        if self.keyword("REVERT") {
            if !self.keywords(&["WITH", "COOKIE"]) {
                return Ok(Statement::Revert(None));
            }
            self.expect("=")?;
            return Ok(Statement::Revert(Some(self.expression()?)));
        }
        if self.keywords(&["CREATE", "TABLE"]) {
            let name = self.name()?;
            self.expect("(")?;
            let columns = self.list(Self::made)?;
            self.expect(")")?;
            return Ok(Statement::CreateTable(name, columns));
        }
        if self.keyword("INSERT") {
            self.keyword("INTO");
            let table = self.path()?;
            let mut into = None;
            if self.sign("(") {
                into = Some(self.list(Self::name)?);
                self.expect(")")?;
            }
            if !self.keyword("VALUES") {
                return Err(self.near());
            }
            let rows = self.list(|parser| {
                parser.expect("(")?;
                let row = parser.list(Self::expression)?;
                parser.expect(")").map(|()| row)
            })?;
            return Ok(Statement::Insert(table, into, rows));
        }
        if self.keyword("UPDATE") {
            let table = self.path()?;
            if !self.keyword("SET") {
                return Err(self.near());
            }
            let set = self.list(|parser| {
                let name = parser.name()?;
                parser.expect("=")?;
                Ok((name, parser.expression()?))
            })?;
            return Ok(Statement::Update(table, set, self.condition()?));
        }
        if self.keyword("DELETE") {
            self.keyword("FROM");
            let table = self.path()?;
            return Ok(Statement::Delete(table, self.condition()?));
        }
        if self.keywords(&["DROP", "TABLE"]) {
            return Ok(Statement::Drop(self.path()?));
        }
        if self.keyword("USE") {
            return Ok(Statement::Use(self.name()?));
        }
        self.rest()
    }

    fn rest(&mut self) -> Result<Statement> {
        let of_transaction = |parser: &mut Self| {
            let _ = parser.keyword("TRANSACTION") || parser.keyword("TRAN");
        };
        for (keyword, statement) in [
            ("BEGIN", Statement::Begin),
            ("COMMIT", Statement::Commit),
            ("ROLLBACK", Statement::Rollback),
        ] {
            if self.keyword(keyword) {
                of_transaction(self);
                return Ok(statement);
            }
        }
        if self.keyword("IF") {
            let condition = self.expression()?;
            let line = self.line();
            return Ok(Statement::If(condition, Box::new((self.one()?, line))));
        }
        if self.keywords(&["WAITFOR", "DELAY"]) {
            return Ok(Statement::Wait(self.expression()?));
        }
        if self.keyword("RAISERROR") {
            self.expect("(")?;
            let text = self.expression()?;
            self.expect(",")?;
            let class = self.expression()?;
            self.expect(",")?;
            let state = self.expression()?;
            self.expect(")")?;
            return Ok(Statement::Raise(text, class, state));
        }
        if self.keyword("PRINT") {
            return Ok(Statement::Print(self.expression()?));
        }
        Err(self.near())
    }

    /// `SET @v = …`, or an option up to its value.
    fn set(&mut self) -> Result<Statement> {
        if matches!(self.peek(), Some(Word::Variable(_))) {
            let name = self.variable()?;
            self.expect("=")?;
            return Ok(Statement::Assign(name, self.expression()?));
        }
        if self.keywords(&["TRANSACTION", "ISOLATION", "LEVEL"]) {
            let mut level = self.name()?;
            if ["READ", "REPEATABLE"].iter().any(|word| level.eq_ignore_ascii_case(word)) {
                level = format!("{level} {}", self.name()?);
            }
            return Ok(Statement::Set("TRANSACTION ISOLATION LEVEL".into(), level));
        }
        let mut name = self.name()?.to_ascii_uppercase();
        loop {
            match self.peek() {
                Some(Word::Name(word, false))
                    if ["ON", "OFF"].iter().any(|w| word.eq_ignore_ascii_case(w)) =>
                {
                    let value = word.to_ascii_uppercase();
                    self.at += 1;
                    return Ok(Statement::Set(name, value));
                }
                Some(Word::Sign(",")) => self.at += 1,
                Some(Word::Name(word, _)) => {
                    let word = word.clone();
                    self.at += 1;
                    if ["DATEFORMAT", "LANGUAGE", "DEADLOCK_PRIORITY"].contains(&name.as_str()) {
                        return Ok(Statement::Set(name, word));
                    }
                    name = format!("{name} {}", word.to_ascii_uppercase());
                }
                Some(
                    Word::Number(_)
                    | Word::Text(_)
                    | Word::Binary(_)
                    | Word::Sign("-")
                    | Word::Variable(_),
                ) => {
                    let value = self.expression()?;
                    let text = match value {
                        Expression::Constant(_, Value::Int(number)) => number.to_string(),
                        Expression::Constant(_, Value::Text(text)) => text,
                        other => format!("{other:?}"),
                    };
                    return Ok(Statement::Set(name, text));
                }
                _ => return Err(self.near()),
            }
        }
    }

    fn execute_as(&mut self) -> Result<Statement> {
        let scope = if self.keyword("USER") {
            Scope::User
        } else if self.keyword("LOGIN") {
            Scope::Login
        } else {
            return Err(self.near());
        };
        self.expect("=")?;
        let name = self.primary()?;
        let way = if !self.keyword("WITH") {
            Way::Plain
        } else if self.keywords(&["NO", "REVERT"]) {
            Way::NoRevert
        } else if self.keywords(&["COOKIE", "INTO"]) {
            Way::Cookie(self.variable()?)
        } else {
            return Err(self.near());
        };
        Ok(Statement::ExecuteAs(scope, name, way))
    }

    fn execute(&mut self) -> Result<Statement> {
        // `EXEC (text)` is a module of its own, as sp_executesql's is.
        if self.sign("(") {
            let text = self.expression()?;
            self.expect(")")?;
            return Ok(Statement::Execute("sp_executesql".into(), vec![(None, text)]));
        }
        let name = self.path()?.pop().unwrap_or_default();
        let mut arguments = Vec::new();
        while !matches!(self.peek(), None | Some(Word::Sign(";"))) {
            let named = matches!(
                (self.peek(), self.words.get(self.at + 1)),
                (Some(Word::Variable(_)), Some((Word::Sign("="), _)))
            );
            let argument = if named {
                let name = self.variable()?;
                self.expect("=")?;
                Some(name)
            } else {
                None
            };
            arguments.push((argument, self.expression()?));
            self.keyword("OUTPUT");
            if !self.sign(",") {
                break;
            }
        }
        Ok(Statement::Execute(name, arguments))
    }

    /// A column of a table that is made.
    fn made(&mut self) -> Result<Made> {
        let (name, ty) = (self.name()?, self.ty()?);
        let mut made = Made { name, ty, never_null: false, is_key: false, default: None };
        loop {
            if self.keywords(&["NOT", "NULL"]) {
                made.never_null = true;
            } else if self.keywords(&["PRIMARY", "KEY"]) {
                (made.never_null, made.is_key) = (true, true);
            } else if self.keyword("DEFAULT") {
                made.default = Some(self.primary()?);
            } else if !self.keyword("NULL") {
                return Ok(made);
            }
        }
    }

    fn condition(&mut self) -> Result<Option<Expression>> {
        if self.keyword("WHERE") { self.expression().map(Some) } else { Ok(None) }
    }

    fn select(&mut self) -> Result<Select> {
        let top = if self.keyword("TOP") { Some(self.primary()?) } else { None };
        let items = if self.sign("*") { Vec::new() } else { self.list(Self::item)? };
        let into = if self.keyword("INTO") { Some(self.name()?) } else { None };
        let from = if self.keyword("FROM") { Some(self.from()?) } else { None };
        let mut joins = Vec::new();
        while let Some(is_outer) = self.joins() {
            let from = self.from()?;
            if !self.keyword("ON") {
                return Err(self.near());
            }
            joins.push(Join { from, is_outer, on: self.expression()? });
        }
        let condition = self.condition()?;
        let order = if self.keywords(&["ORDER", "BY"]) {
            self.list(|parser| {
                let by = parser.expression()?;
                let descending = parser.keyword("DESC");
                parser.keyword("ASC");
                Ok((by, descending))
            })?
        } else {
            Vec::new()
        };
        Ok(Select { top, items, into, from, joins, condition, order })
    }

    /// Whether a join comes, and one of those that leave no row out.
    fn joins(&mut self) -> Option<bool> {
        if self.keywords(&["LEFT", "OUTER", "JOIN"]) || self.keywords(&["LEFT", "JOIN"]) {
            return Some(true);
        }
        (self.keywords(&["INNER", "JOIN"]) || self.keyword("JOIN")).then_some(false)
    }

    fn from(&mut self) -> Result<From> {
        let mut alias = None;
        let source = if self.sign("(") {
            if !self.keyword("SELECT") {
                return Err(self.near());
            }
            let select = self.select()?;
            self.expect(")")?;
            Source::Select(Box::new(select))
        } else {
            let path = self.path()?;
            if self.sign("(") {
                let argument = self.expression()?;
                self.expect(")")?;
                Source::Numbers(argument)
            } else {
                alias = path.last().cloned();
                Source::Table(path)
            }
        };
        if self.keyword("AS") {
            alias = Some(self.name()?);
        } else if let Some(Word::Name(name, quoted)) = self.peek()
            && (*quoted || !BEHIND.iter().any(|word| name.eq_ignore_ascii_case(word)))
            && !STATEMENTS.iter().any(|word| name.eq_ignore_ascii_case(word))
        {
            alias = Some(self.name()?);
        }
        Ok(From { source, alias })
    }

    fn item(&mut self) -> Result<(Expression, Item)> {
        let assigned = matches!(
            (self.peek(), self.words.get(self.at + 1)),
            (Some(Word::Variable(_)), Some((Word::Sign("="), _)))
        );
        if assigned {
            let name = self.variable()?;
            self.expect("=")?;
            return Ok((self.expression()?, Item::Assigned(name)));
        }
        let expression = self.expression()?;
        let name = match (self.keyword("AS"), self.peek()) {
            (true, Some(Word::Text(text))) => {
                let text = text.clone();
                self.at += 1;
                text
            }
            (true, _) => self.name()?,
            (false, Some(Word::Name(_, true))) => self.name()?,
            (false, Some(Word::Name(name, false)))
                if !["INTO", "FROM", "WHERE", "ORDER"]
                    .iter()
                    .chain(&STATEMENTS)
                    .any(|word| name.eq_ignore_ascii_case(word)) =>
            {
                self.name()?
            }
            _ => match &expression {
                Expression::Column(_, name) => name.clone(),
                _ => String::new(),
            },
        };
        Ok((expression, Item::Named(name)))
    }
}

/// Words that may come behind a table, where an alias could stand.
const BEHIND: [&str; 6] = ["WHERE", "ORDER", "JOIN", "INNER", "LEFT", "ON"];

/// Words that begin a statement, where an alias could stand.
const STATEMENTS: [&str; 20] = [
    "SELECT",
    "SET",
    "EXECUTE",
    "EXEC",
    "REVERT",
    "CREATE",
    "INSERT",
    "UPDATE",
    "DELETE",
    "DROP",
    "USE",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "IF",
    "WAITFOR",
    "RAISERROR",
    "PRINT",
    "DECLARE",
    "OPTION",
];

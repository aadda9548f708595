//! From words to statements.

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

    fn expression(&mut self) -> Result<Expression> {
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

    fn primary(&mut self) -> Result<Expression> {
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

    fn ty(&mut self) -> Result<Type> {
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

/// Functions without parentheses.
const BARE: [&str; 4] = ["CURRENT_USER", "SESSION_USER", "SYSTEM_USER", "CURRENT_TIMESTAMP"];

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

/// The loosest first.
const OPERATORS: [&[&str]; 5] = [
    &["OR"],
    &["AND"],
    &["=", "<>", "!=", "<=", ">=", "<", ">", "LIKE"],
    &["+", "-"],
    &["*", "/", "%"],
];

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

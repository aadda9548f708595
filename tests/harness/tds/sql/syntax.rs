//! What a text says.

use super::super::value::{Type, Value};

#[derive(Clone, Debug)]
pub(in super::super) enum Expression {
    Constant(Type, Value),
    Variable(String),
    /// The last part of a name, behind that of the table whose it is.
    Column(Option<String>, String),
    Call(String, Vec<Expression>),
    Cast(Box<Expression>, Type),
    Not(Box<Expression>),
    IsNull(Box<Expression>, bool),
    In(Box<Expression>, Vec<Expression>),
    Operation(Box<Expression>, &'static str, Box<Expression>),
    Case(Vec<(Expression, Expression)>, Option<Box<Expression>>),
}

#[derive(Clone, Debug)]
pub(in super::super) struct Select {
    pub(in super::super) top: Option<Expression>,
    /// Empty: all columns. With the name it goes by, or the variable that it is assigned to.
    pub(in super::super) items: Vec<(Expression, Item)>,
    pub(in super::super) into: Option<String>,
    pub(in super::super) from: Option<From>,
    pub(in super::super) joins: Vec<Join>,
    pub(in super::super) condition: Option<Expression>,
    pub(in super::super) order: Vec<(Expression, bool)>,
}

#[derive(Clone, Debug)]
pub(in super::super) enum Item {
    Named(String),
    Assigned(String),
}

/// Where rows come from, and the name that it goes by.
#[derive(Clone, Debug)]
pub(in super::super) struct From {
    pub(in super::super) source: Source,
    pub(in super::super) alias: Option<String>,
}

#[derive(Clone, Debug)]
pub(in super::super) struct Join {
    pub(in super::super) from: From,
    /// Rows that it has none for have its columns all the same, with NULL.
    pub(in super::super) is_outer: bool,
    pub(in super::super) on: Expression,
}

/// A column as it is made.
#[derive(Clone, Debug)]
pub(in super::super) struct Made {
    pub(in super::super) name: String,
    pub(in super::super) ty: Type,
    pub(in super::super) never_null: bool,
    pub(in super::super) is_key: bool,
    pub(in super::super) default: Option<Expression>,
}

#[derive(Clone, Debug)]
pub(in super::super) enum Source {
    /// Its parts.
    Table(Vec<String>),
    /// A query in parentheses.
    Select(Box<Select>),
    /// `numbers(count)`, of ours: 1, 2, and so on.
    Numbers(Expression),
}

#[derive(Clone, Debug)]
pub(in super::super) enum Scope {
    User,
    Login,
}

#[derive(Clone, Debug)]
pub(in super::super) enum Way {
    Plain,
    NoRevert,
    Cookie(String),
}

#[derive(Clone, Debug)]
pub(in super::super) enum Statement {
    Declare(String, Type, Option<Expression>),
    Assign(String, Expression),
    /// An option and its value.
    Set(String, String),
    Select(Select),
    ExecuteAs(Scope, Expression, Way),
    Revert(Option<Expression>),
    Execute(String, Vec<(Option<String>, Expression)>),
    CreateTable(String, Vec<Made>),
    /// Into these columns, or all.
    Insert(Vec<String>, Option<Vec<String>>, Vec<Vec<Expression>>),
    Update(Vec<String>, Vec<(String, Expression)>, Option<Expression>),
    Delete(Vec<String>, Option<Expression>),
    Drop(Vec<String>),
    Use(String),
    Begin,
    Commit,
    Rollback,
    If(Expression, Box<(Statement, u32)>),
    Wait(Expression),
    Raise(Expression, Expression, Expression),
    Print(Expression),
}

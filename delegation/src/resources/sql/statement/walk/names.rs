//! Names of tables, columns and types, and the names that a statement gives.

use sqlparser::ast::{
    DataType, Ident, ObjectName, ObjectNamePart, TableAlias, TableAliasColumnDef,
};
use sqlparser::keywords::ALL_KEYWORDS;

use super::super::super::engine::Engine;
use super::super::called::folded;
use super::super::failure::Refused;
use super::super::lexis::What;
use super::{Done, Walk, none, unknown};

impl Walk<'_> {
    /// A name of whatever: plain names, and of words none that begins a statement.
    pub(super) fn object(&mut self, name: &ObjectName) -> Done {
        for part in &name.0 {
            match part {
                ObjectNamePart::Identifier(ident) => self.ident(ident)?,
                ObjectNamePart::Function(_) => return unknown("a function in a name"),
            }
        }
        Ok(())
    }

    pub(super) fn ident(&self, ident: &Ident) -> Done {
        let Ident { value, quote_style, span: _ } = ident;
        // `@name` is no name of anything but a value.
        if quote_style.is_none() && value.starts_with('@') && self.engine == Engine::SqlServer {
            return unknown("a value in a name's place");
        }
        Ok(())
    }

    pub(super) fn maybe_alias(&mut self, alias: Option<&TableAlias>) -> Done {
        alias.map_or(Ok(()), |alias| self.alias(alias))
    }

    pub(super) fn alias(&mut self, alias: &TableAlias) -> Done {
        let TableAlias { explicit: _, name, columns, at } = alias;
        none(at, "AT behind an alias")?;
        self.label(name)?;
        for TableAliasColumnDef { name, data_type } in columns {
            self.ident(name)?;
            data_type.iter().try_for_each(|data_type| self.data_type(data_type))?;
        }
        Ok(())
    }

    /// A name that somebody gives. A keyword may only be one where the server cannot take it for one:
    /// behind AS, or before an `=`.
    pub(super) fn label(&self, label: &Ident) -> Done {
        let Ident { value, quote_style, span } = label;
        self.ident(label)?;
        if quote_style.is_some() {
            return Ok(());
        }
        let word = value.to_ascii_uppercase();
        if ALL_KEYWORDS.binary_search(&&*word).is_err() {
            return Ok(());
        }
        let at = self.lexis.at(span.start.line, span.start.column);
        let Some(at) = at.filter(|at| self.lexis.word(*at) == Some(&*word)) else {
            return Err(Refused::Word(word));
        };
        let behind_as = at.checked_sub(1).and_then(|before| self.lexis.word(before)) == Some("AS");
        let next = self.lexis.tokens.get(at + 1).map(|token| &token.what);
        let before_eq = matches!(next, Some(What::Operator(operator)) if operator == "=");
        // `name AS (` of a CTE, which the parser has seen for one.
        let before_as = self.lexis.word(at + 1) == Some("AS");
        if behind_as || before_eq || before_as { Ok(()) } else { Err(Refused::Word(word)) }
    }

    /// A type has no expression in it.
    pub(super) fn data_type(&self, data_type: &DataType) -> Done {
        match data_type {
            DataType::Custom(name, _) => {
                if name.0.len() > 2 {
                    unknown("a name of a type")
                } else {
                    Ok(())
                }
            }
            DataType::Array(element) => match element {
                sqlparser::ast::ArrayElemTypeDef::None => Ok(()),
                sqlparser::ast::ArrayElemTypeDef::SquareBracket(inner, _) => self.data_type(inner),
                _ => unknown("a kind of array"),
            },
            DataType::Table(_)
            | DataType::NamedTable { .. }
            | DataType::Collate(..)
            | DataType::Zerofill(_)
            | DataType::Map(..)
            | DataType::Tuple(_)
            | DataType::Nested(_)
            | DataType::Object(_)
            | DataType::Enum(..)
            | DataType::Set(_)
            | DataType::Struct(..)
            | DataType::Union(_)
            | DataType::Nullable(_)
            | DataType::LowCardinality(_)
            | DataType::Unspecified
            | DataType::Trigger
            | DataType::AnyType => unknown("a type"),
            _ => Ok(()),
        }
    }

    /// A name as the server compares it.
    pub(super) fn folded(&self, ident: &Ident) -> String {
        folded(self.engine, &ident.value, ident.quote_style.is_some())
    }

    /// What a query defines: rather a table too many is recorded than one too few, so that two names
    /// are the same where they are so whatever SQL Server's collation is.
    pub(super) fn defines(&mut self, name: &Ident) {
        let name = self.defined_as(name);
        self.defined.push(name);
    }

    pub(super) fn defined_as(&self, name: &Ident) -> String {
        match self.engine {
            Engine::Postgresql => self.folded(name),
            Engine::SqlServer => name.value.clone(),
        }
    }
}

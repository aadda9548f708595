//! `kerberos-list-directory`.

use krb_delegation::resources::smb;
use rmcp::model::ToolAnnotations;
use serde_json::json;

use super::{Entry, PathArgument, arguments, describe};

pub(super) const ENTRY: Entry = Entry {
    name: "kerberos-list-directory",
    actions: &["file:list"],
    describe: |name| {
        describe::<PathArgument>(
            name,
            "Lists a directory of a Windows file share (SMB) with the calling user's own \
             permissions: names, kinds, sizes and times of last change. Call list-targets first: \
             it names the shares.",
            ToolAnnotations::with_title("List a directory")
                .read_only(true)
                .idempotent(true)
                .open_world(false),
            &json!({
                "type": "object",
                "properties": {
                    "path": {"type": "string", "description": "the path asked for"},
                    "entries": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {
                                "name": {"type": "string"},
                                "kind": {"enum": ["file", "directory", "link"]},
                                "size": {
                                    "type": "integer",
                                    "minimum": 0,
                                    "description": "size in bytes; 0 for directories"
                                },
                                "modified": {
                                    "type": ["string", "null"],
                                    "description": "time of the last change (RFC 3339)"
                                },
                                "readable": {
                                    "const": false,
                                    "description": "there only where it cannot be read or listed \
                                                    by this name, which is not its own"
                                }
                            },
                            "required": ["name", "kind", "size", "modified"]
                        }
                    }
                },
                "required": ["path", "entries"]
            }),
        )
    },
    parse: |given| {
        let PathArgument { path } = arguments(given)?;
        Ok(smb::Operation { verb: smb::Verb::List, path }.into())
    },
    #[cfg(test)]
    asks: || {
        let path = r"\\files\corp\x";
        let operation = smb::Operation { verb: smb::Verb::List, path: path.into() };
        vec![(json!({"path": path}), operation.into())]
    },
    #[cfg(test)]
    answer: |path| {
        let entry = |name: &str, kind, modified: Option<&str>| smb::DirectoryEntry {
            name: name.into(),
            kind,
            size: 0,
            modified: modified.map(str::to_owned),
            readable: true,
        };
        let entries = vec![
            entry("a", smb::EntryKind::Directory, None),
            entry("b", smb::EntryKind::File, Some("2026-01-02T03:04:05Z")),
            entry("c", smb::EntryKind::Link, None),
        ];
        smb::Outcome::Directory { path: path.into(), entries }.into()
    },
};

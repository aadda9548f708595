//! `kerberos-file-read`.

use krb_delegation::resources::smb;
use rmcp::model::ToolAnnotations;
use serde_json::json;

use super::{Entry, PathArgument, arguments, describe, encoding_schema};

pub(super) const ENTRY: Entry = Entry {
    name: "kerberos-file-read",
    actions: &["file:read"],
    describe: |name| {
        describe::<PathArgument>(
            name,
            "Reads a file from a Windows file share (SMB) with the calling user's own permissions. \
             Returns at most 1 MiB; text as utf-8, anything else as base64. Call list-targets \
             first: it names the shares.",
            ToolAnnotations::with_title("Read a file")
                .read_only(true)
                .idempotent(true)
                .open_world(false),
            &json!({
                "type": "object",
                "properties": {
                    "path": {"type": "string", "description": "the path asked for"},
                    "size": {"type": "integer", "minimum": 0, "description": "size in bytes"},
                    "encoding": encoding_schema(),
                    "content": {"type": "string"}
                },
                "required": ["path", "size", "encoding", "content"]
            }),
        )
    },
    parse: |given| {
        let PathArgument { path } = arguments(given)?;
        Ok(smb::Operation { verb: smb::Verb::Read, path }.into())
    },
    #[cfg(test)]
    asks: || {
        let path = r"\\files\corp\x";
        let operation = smb::Operation { verb: smb::Verb::Read, path: path.into() };
        vec![(json!({"path": path}), operation.into())]
    },
    #[cfg(test)]
    answer: |path| {
        let (path, content) = (path.to_owned(), "a,b\n".to_owned());
        smb::Outcome::File(smb::FileContent { path, size: 4, encoding: "utf-8", content }).into()
    },
};

//! The public interface of a crate, read from what rustdoc has written of it as HTML: its JSON is not for
//! stable compilers. `tests/publish` compares it with `docs/api/`, so that a change of it is seen in the
//! change that makes it.
//!
//! `public-api FOLDER` (such as `target/doc/krb_client`): each item with its declaration, the public methods
//! of types, and which traits they have; not what every type has (`Send`, `impl<T> From<T>`).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What pages of items are called, and what they are of.
const KINDS: [&str; 9] =
    ["attr", "constant", "derive", "enum", "fn", "macro", "struct", "trait", "type"];

fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1).map(PathBuf::from) else {
        eprintln!("usage: public-api FOLDER");
        return ExitCode::from(2);
    };
    match interface(&folder) {
        Ok(text) if !text.is_empty() => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Ok(_) => {
            eprintln!(
                "{}: there is no item in it: rustdoc writes other pages by now",
                folder.display()
            );
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

fn interface(folder: &Path) -> std::io::Result<String> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut items = Vec::new();
    collect(folder, &name, &mut items)?;
    items.sort();
    Ok(items.concat())
}

/// All items of a module, and of the modules in it.
fn collect(folder: &Path, module: &str, items: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{module}::{name}"), items)?;
        } else if name == "index.html" {
            let page = std::fs::read_to_string(entry.path())?;
            for used in between_all(&page, "<dt id=\"reexport.", "</dt>") {
                items.push(format!("{module}: {}\n", text(after(used, ">"))));
            }
        } else if let Some((kind, item)) =
            name.strip_suffix(".html").and_then(|it| it.split_once('.'))
            && KINDS.contains(&kind)
        {
            let page = std::fs::read_to_string(entry.path())?;
            items.extend(of_page(&page).map(|said| format!("{module}::{item}\n{said}")));
        }
    }
    Ok(())
}

/// What the page of an item says of it. `None` if it only leads to another page.
fn of_page(page: &str) -> Option<String> {
    const DECLARATION: &str = "<pre class=\"rust item-decl\">";
    let declaration = between_all(page, DECLARATION, "</pre>").next()?;
    let mut said = String::new();
    for line in lines(declaration).lines().filter(|line| !line.trim().is_empty()) {
        let _ = writeln!(said, "    {}", line.trim_end());
    }
    for section in page.split("<h2 id=\"").skip(1) {
        let is_own = section.starts_with("implementations\"");
        if !is_own && !section.starts_with("trait-implementations\"") {
            continue;
        }
        for header in between_all(section, "class=\"code-header\">", "</h") {
            let header = text(header);
            // One that the compiler has for itself.
            let is_shown = !header.starts_with("impl StructuralPartialEq ");
            if is_shown && header.starts_with(if is_own { "pub " } else { "impl" }) {
                let _ = writeln!(said, "    {header}");
            }
        }
    }
    Some(said)
}

/// What stands between each of these and the next of those.
fn between_all<'a>(
    page: &'a str,
    from: &'static str,
    to: &'static str,
) -> impl Iterator<Item = &'a str> {
    page.split(from).skip(1).filter_map(move |rest| rest.split_once(to).map(|(inside, _)| inside))
}

fn after<'a>(text: &'a str, mark: &str) -> &'a str {
    text.split_once(mark).map_or(text, |(_, rest)| rest)
}

/// In one line.
fn text(html: &str) -> String {
    lines(html).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Without tags, and without what is there to be clicked on.
fn lines(html: &str) -> String {
    let mut shown = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        shown += before;
        let (name, behind) = tag.split_once('>').unwrap_or((tag, ""));
        rest = behind;
        match name.split(' ').next() {
            Some("summary") => rest = after(rest, "</summary>"),
            Some("br" | "/div") => shown.push('\n'),
            _ => {}
        }
    }
    shown += rest;
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " ")];
    for (entity, character) in entities {
        shown = shown.replace(entity, character);
    }
    shown.replace('\u{a0}', " ").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_becomes_lines() {
        let page = "<pre class=\"rust item-decl\"><code><div class=\"code-attributes\">#[non_exhaustive]</div>\
             pub enum <a>E</a>&lt;'a&gt; {\n<details><summary class=\"hideme\"><span>Show 13 variants\
             </span></summary>    A,\n    B(&amp;'a <a>str</a>),\n</details>}</code></pre>\
             <h2 id=\"implementations\"><section><h3 class=\"code-header\">impl E</h3><h4 \
             class=\"code-header\">pub fn <a>f</a>(\n    &amp;self,\n) -&gt; bool</h4></section>\
             <h2 id=\"trait-implementations\"><h3 class=\"code-header\">impl Clone for <a>E</a></h3>\
             <h4 class=\"code-header\">fn clone(&amp;self) -&gt; E</h4>\
             <h2 id=\"blanket-implementations\"><h3 class=\"code-header\">impl From for E</h3>";
        let expected = "    #[non_exhaustive]\n    pub enum E<'a> {\n        A,\n        B(&'a str),\n    }\n    \
             pub fn f( &self, ) -> bool\n    impl Clone for E\n";
        assert_eq!(of_page(page).as_deref(), Some(expected));
        assert_eq!(of_page("<p>Redirecting to <a>elsewhere</a>"), None);
    }
}

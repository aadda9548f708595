//! What `benches/run` asks for: `krb-benches cases DIRECTORY` writes the list of cases,
//! `krb-benches page DIRECTORY` prints the page of the figures that were collected there.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use krb_benches::cases;
use krb_benches::report::{Figures, page};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["cases", directory] => cases::write(Path::new(directory)),
        ["page", directory] => Figures::read(Path::new(directory))
            .and_then(|figures| io::stdout().write_all(page(&figures).as_bytes())),
        _ => Err(io::Error::other("use: krb-benches cases|page DIRECTORY")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("krb-benches: {error}");
            ExitCode::FAILURE
        }
    }
}

//! An MCP server under load: clients that keep their connections and wait for each answer before
//! they send the next call.

use std::fs;
use std::io::{BufRead, BufReader, Error, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::load::processor_time;
use crate::names::{FASTMCP, RMCP};

/// Of a measurement; a quarter of it passes before.
const TIME: Duration = Duration::from_secs(2);
/// For an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is called, and a text of a right answer.
struct Call {
    body: Vec<u8>,
    answer: &'static str,
}

fn call(case: &str) -> Result<Call> {
    let (tool, arguments, answer) = match case {
        "user-info" => ("user-info", json!({}), "success"),
        "denied" => ("kerberos-file-read", json!({"path": "//files/corp/x"}), "POLICY_DENIED"),
        path => ("kerberos-file-read", json!({"path": path}), "success"),
    };
    let params = json!({"name": tool, "arguments": arguments});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    Ok(Call { body: serde_json::to_vec(&body)?, answer })
}

/// Measures calls at a server, the processes of `group`, by so many clients at once, and returns
/// lines as the programs in `peers/` print them: the time from one answer to the next, and the
/// processor time of a call. Users take turns: `tokens` is a file with one in each line. A peer has
/// one tool only, which is called whatever the case.
///
/// # Errors
/// If it does not answer, or otherwise than it should.
pub fn measure(
    (name, case): (&str, &str),
    who: &str,
    server: SocketAddr,
    group: i32,
    tokens: &str,
    clients: usize,
) -> Result<String> {
    let tokens: Vec<String> = fs::read_to_string(tokens)?.lines().map(str::to_owned).collect();
    let mut call = call(case)?;
    if [RMCP, FASTMCP].contains(&who) {
        call.answer = "success";
        call.body = self::call("user-info")?.body;
    }
    let next = AtomicUsize::new(0);
    fire(server, &call, &tokens, &next, clients, TIME / 4)?;
    let (cpu, begun) = (processor_time(group)?, Instant::now());
    let answered = fire(server, &call, &tokens, &next, clients, TIME)?;
    let (time, cpu) = (begun.elapsed(), processor_time(group)? - cpu);
    let each = |time: Duration| time.as_nanos() as f64 / answered as f64;
    Ok(format!(
        "server/{name}/time\t{who}\t{:.0}\t0\nserver/{name}/cpu\t{who}\t{:.0}\t0\n",
        each(time),
        each(cpu)
    ))
}

fn fire(
    server: SocketAddr,
    call: &Call,
    tokens: &[String],
    next: &AtomicUsize,
    clients: usize,
    time: Duration,
) -> Result<usize> {
    let until = Instant::now() + time;
    let client = || -> Result<usize> {
        let (mut connection, mut answered) = (Connection::open(server)?, 0);
        while Instant::now() < until {
            let token = &tokens[next.fetch_add(1, Ordering::Relaxed) % tokens.len()];
            let answer = connection.post(server, token, &call.body)?;
            if !contains(&answer, call.answer) {
                let answer: Value = String::from_utf8_lossy(&answer).into();
                return Err(Error::other(format!("{server}: {answer}")));
            }
            answered += 1;
        }
        Ok(answered)
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        clients.into_iter().map(|client| client.join().expect("no panic")).sum()
    })
}

/// Looks at the beginning, which says how the call went, and not through a file's content.
fn contains(answer: &[u8], text: &str) -> bool {
    let beginning = &answer[..answer.len().min(2048)];
    let end = &answer[answer.len().saturating_sub(2048)..];
    let has = |part: &[u8]| part.windows(text.len()).any(|window| window == text.as_bytes());
    has(beginning) || has(end)
}

/// HTTP/1.1, as far as it is needed here.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(server: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::with_capacity(64 << 10, stream)))
    }

    /// The body of the answer.
    fn post(&mut self, server: SocketAddr, token: &str, body: &[u8]) -> Result<Vec<u8>> {
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: {server}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
             MCP-Protocol-Version: 2025-11-25\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.0.get_mut().write_all(&[head.as_bytes(), body].concat())?;
        let (mut length, mut chunked) = (0, false);
        let status = self.line()?;
        loop {
            let line = self.line()?.to_ascii_lowercase();
            match line.split_once(": ") {
                Some(("content-length", value)) => length = value.parse().map_err(Error::other)?,
                Some(("transfer-encoding", value)) => chunked = value == "chunked",
                Some(_) => {}
                None if line.is_empty() => break,
                None => return Err(Error::other(line)),
            }
        }
        let mut answer = Vec::new();
        while chunked || length > 0 {
            if chunked {
                length = usize::from_str_radix(&self.line()?, 16).map_err(Error::other)?;
            }
            let from = answer.len();
            answer.resize(from + length, 0);
            self.0.read_exact(&mut answer[from..])?;
            if chunked {
                self.line()?;
                chunked = length > 0;
            }
            length = 0;
        }
        if status.contains(" 200 ") {
            return Ok(answer);
        }
        Err(Error::other(format!("{status}: {}", String::from_utf8_lossy(&answer))))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(Error::other("the connection was closed"));
        }
        Ok(line.trim_end().to_owned())
    }
}

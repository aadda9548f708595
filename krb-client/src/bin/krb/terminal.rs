//! Asking on the terminal, which shows again what is typed however this program ends meanwhile.

#[cfg(unix)]
pub(crate) use self::unix::{ask, guard};

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io::{ErrorKind, Result};
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use nix::sys::signal::{SigSet, Signal, raise};
    use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};

    use crate::signals::is_ignored;

    /// The terminal, and how it was, while it shows nothing.
    static ASKED_ON: Mutex<Option<(File, Termios)>> = Mutex::new(None);

    fn asked_on() -> MutexGuard<'static, Option<(File, Termios)>> {
        ASKED_ON.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What ends this program.
    fn ending() -> SigSet {
        let all = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM];
        all.into_iter().filter(|signal| !is_ignored(*signal)).collect()
    }

    /// From here on the terminal is as it was before a signal ends this program: the signals wait in every
    /// thread, of which there must be no others yet, but one.
    pub(crate) fn guard() -> Result<()> {
        let ending = ending();
        ending.thread_block()?;
        let waiting = std::thread::Builder::new().name("signals".to_owned());
        waiting.spawn(move || {
            let Ok(signal) = ending.wait() else { return };
            if let Some((terminal, before)) = &*asked_on() {
                let _ = tcsetattr(terminal, SetArg::TCSANOW, before);
            }
            let _ = ending.thread_unblock();
            let _ = raise(signal);
        })?;
        Ok(())
    }

    /// Asks; nothing of the answer is shown.
    pub(crate) fn ask(prompt: &str) -> Result<String> {
        let terminal = File::open("/dev/tty")?;
        let before = tcgetattr(&terminal)?;
        *asked_on() = Some((terminal, before));
        let answer = rpassword::prompt_password(prompt);
        *asked_on() = None;
        // Ctrl-C, of which this thread told itself: now that the terminal is as it was, it ends the program.
        if answer.as_ref().is_err_and(|error| error.kind() == ErrorKind::Interrupted) {
            ending().thread_unblock()?;
        }
        answer
    }
}

#[cfg(not(unix))]
pub(crate) use rpassword::prompt_password as ask;

#[cfg(not(unix))]
pub(crate) fn guard() -> std::io::Result<()> {
    Ok(())
}

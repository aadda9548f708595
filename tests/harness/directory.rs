//! Changes to the lab's domain, as its administrators make them.

use crate::Lab;

impl Lab {
    /// Runs `samba-tool` on the domain controller's own database: `["user", "disable", "bob"]`.
    ///
    /// # Panics
    /// If it fails.
    pub fn samba_tool(&self, arguments: &[&str]) -> String {
        // The system's python, which has Samba's modules, and nothing of the test's environment.
        let conf = format!("{}/dc/etc/smb.conf", self.var("LAB"));
        let path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
        let line = [&["-i", path, "samba-tool"], arguments, &["-s", &conf]].concat();
        let output = self.run("env", &line);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }
}

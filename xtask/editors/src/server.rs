//! rust-analyzer as a child process: requests are answered one at a time, as an editor with one
//! user would ask.

use std::io::{BufReader, BufWriter};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, anyhow, bail};
use lsp_server::{Message, Notification, Request, RequestId, Response};
use serde_json::{Value, json};

/// A language server with one folder open.
pub(crate) struct LanguageServer {
    process: Child,
    to: BufWriter<ChildStdin>,
    from: BufReader<ChildStdout>,
    requests: i32,
    /// It has read the workspace, run the build scripts and loaded the macros.
    is_ready: bool,
}

impl LanguageServer {
    /// Starts `rust-analyzer` on this folder and returns when it has loaded it.
    pub(crate) fn open(folder: &Path, target: &Path) -> Result<Self> {
        let mut process = Command::new("rust-analyzer")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("rust-analyzer cannot be started")?;
        let (to, from) = process.stdin.take().zip(process.stdout.take()).context("both are piped")?;
        let (to, from) = (BufWriter::new(to), BufReader::new(from));
        let mut server = Self { process, to, from, requests: 0, is_ready: false };
        let root = uri(folder);
        let capabilities = json!({
            "experimental": { "serverStatusNotification": true },
            "textDocument": {
                "hover": { "contentFormat": ["plaintext"] },
                "rename": { "prepareSupport": true },
                "publishDiagnostics": {},
            },
            "workspace": { "workspaceEdit": { "documentChanges": false }, "configuration": false },
        });
        let options = json!({
            "cargo": { "targetDir": target, "buildScripts": { "enable": true } },
            "procMacro": { "enable": true },
            "checkOnSave": false,
            "cachePriming": { "enable": false },
        });
        server.ask(
            "initialize",
            json!({
                "processId": std::process::id(),
                "rootUri": root,
                "workspaceFolders": [{ "uri": root, "name": "edited" }],
                "capabilities": capabilities,
                "initializationOptions": options,
            }),
        )?;
        server.tell("initialized", json!({}))?;
        while !server.is_ready {
            server.next()?;
        }
        Ok(server)
    }

    /// The answer to a request.
    pub(crate) fn ask(&mut self, method: &str, parameters: Value) -> Result<Value> {
        self.requests += 1;
        let id = RequestId::from(self.requests);
        self.send(Request { id: id.clone(), method: method.to_owned(), params: parameters }.into())?;
        loop {
            if let Some(response) = self.next()?.filter(|response| response.id == id) {
                return response.response_result.map_err(|error| anyhow!("{method}: {}", error.message));
            }
        }
    }

    pub(crate) fn tell(&mut self, method: &str, parameters: Value) -> Result<()> {
        self.send(Notification { method: method.to_owned(), params: parameters }.into())
    }

    fn send(&mut self, message: Message) -> Result<()> {
        message.write(&mut self.to).context("rust-analyzer does not read")
    }

    /// Reads one message, and answers what the server itself asks.
    fn next(&mut self) -> Result<Option<Response>> {
        match Message::read(&mut self.from)?.context("rust-analyzer ended")? {
            Message::Response(response) => return Ok(Some(response)),
            // It asks to show progress and to be notified of changed files. No user sees the
            // progress, and no file changes.
            Message::Request(request) => self.send(Response::new_ok(request.id, Value::Null).into())?,
            Message::Notification(Notification { method, params }) => {
                if method == "experimental/serverStatus" {
                    if params["health"] == "error" {
                        bail!("rust-analyzer cannot load the crate: {}", params["message"]);
                    }
                    self.is_ready = params["quiescent"] == true;
                }
            }
        }
        Ok(None)
    }
}

impl Drop for LanguageServer {
    fn drop(&mut self) {
        // It keeps nothing that a kill could spoil.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A path as the protocol writes it.
pub(crate) fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

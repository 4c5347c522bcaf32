//! A blocking HTTP/1.1 client over one kept connection. It does next to nothing, so that on shared
//! cores the servers are what is measured.

use std::io::{BufRead, BufReader, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::Result;

/// No answer takes longer, or the run ends.
const TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    /// As presigned URLs are signed for it.
    host: SocketAddr,
    line: String,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body of a success.
    pub(crate) fn json(&self) -> Result<serde_json::Value> {
        self.expect_success()?;
        Ok(serde_json::from_slice(&self.body)?)
    }

    pub(crate) fn expect_success(&self) -> Result<()> {
        if (200..300).contains(&self.status) {
            return Ok(());
        }
        let body = String::from_utf8_lossy(&self.body);
        Err(format!("the server answered {}: {body}", self.status).into())
    }
}

impl Connection {
    pub(crate) fn open(addr: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self {
            stream: BufReader::new(stream),
            host: addr,
            line: String::new(),
        })
    }

    /// `headers` are whole lines.
    pub(crate) fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> Result<Answer> {
        let head = self.head(method, path, headers, body.len());
        self.write(&[head.as_bytes(), body])?;
        self.answer()
    }

    /// As [`Self::request`], but `midway` runs when half of the body has been written.
    pub(crate) fn request_in_halves(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
        midway: impl FnOnce(),
    ) -> Result<Answer> {
        let head = self.head(method, path, headers, body.len());
        let (first, second) = body.split_at(body.len() / 2);
        let sent = self.write(&[head.as_bytes(), first]);
        midway();
        sent?;
        self.write(&[second])?;
        self.answer()
    }

    fn write(&mut self, pieces: &[&[u8]]) -> Result<()> {
        let mut slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let mut slices = slices.as_mut_slice();
        // Leading empty slices would make a write of nothing look like a closed connection.
        IoSlice::advance_slices(&mut slices, 0);
        while !slices.is_empty() {
            let written = self.stream.get_mut().write_vectored(slices)?;
            IoSlice::advance_slices(&mut slices, written);
        }
        Ok(())
    }

    fn answer(&mut self) -> Result<Answer> {
        let status = self.next_line()?;
        let status = status
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .ok_or_else(|| format!("no status line: {status:?}"))?;
        let (mut length, mut etag) = (0, None);
        loop {
            let line = self.next_line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse()?;
            } else if name.eq_ignore_ascii_case("etag") {
                etag = Some(value.trim().to_owned());
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                return Err("an answer without a length".into());
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(Answer { status, etag, body })
    }

    fn next_line(&mut self) -> Result<&str> {
        self.line.clear();
        if self.stream.read_line(&mut self.line)? == 0 {
            return Err("the server closed the connection".into());
        }
        Ok(self.line.trim_end())
    }

    fn head(&self, method: &str, path: &str, headers: &str, length: usize) -> String {
        let host = self.host;
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n{headers}\r\n"
        )
    }
}

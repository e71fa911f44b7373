use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Received;

/// Longest head of a request, in bytes: more than any client sends.
const MAX_HEAD: usize = 256 * 1024;

/// Reads the next request; `None` if the client has no more. `buffer` holds what was read beyond the last one.
pub(super) async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Received>> {
    let head = loop {
        if let Some(end) = find(buffer, b"\r\n\r\n") {
            break take(buffer, end + 4);
        }
        if buffer.len() > MAX_HEAD {
            return Err(malformed("a head without an end"));
        }
        let nothing_yet = buffer.is_empty();
        match more(stream, buffer).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && nothing_yet => return Ok(None),
            other => other?,
        }
    };
    let mut request = parse(&head).ok_or_else(|| malformed("a head that cannot be read"))?;
    if request.header("expect").is_some_and(|expected| expected.eq_ignore_ascii_case(b"100-continue")) {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    request.body = body(stream, buffer, &request).await?;
    Ok(Some(request))
}

async fn body(stream: &mut TcpStream, buffer: &mut Vec<u8>, request: &Received) -> io::Result<Vec<u8>> {
    if request.header("transfer-encoding").is_some() {
        return chunked(stream, buffer).await;
    }
    let length = match request.header("content-length") {
        Some(digits) => number(digits, 10).ok_or_else(|| malformed("a content-length that is no number"))?,
        None => 0,
    };
    exactly(stream, buffer, length).await
}

async fn chunked(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = line(stream, buffer).await?;
        let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
        let size = number(digits, 16).ok_or_else(|| malformed("a chunk without a size"))?;
        if size == 0 {
            break;
        }
        body.extend(exactly(stream, buffer, size).await?);
        exactly(stream, buffer, 2).await?;
    }
    // Trailers end with an empty line.
    while !line(stream, buffer).await?.is_empty() {}
    Ok(body)
}

async fn line(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Vec<u8>> {
    loop {
        if let Some(end) = find(buffer, b"\r\n") {
            let mut line = take(buffer, end + 2);
            line.truncate(end);
            return Ok(line);
        }
        more(stream, buffer).await?;
    }
}

async fn exactly(stream: &mut TcpStream, buffer: &mut Vec<u8>, length: usize) -> io::Result<Vec<u8>> {
    while buffer.len() < length {
        more(stream, buffer).await?;
    }
    Ok(take(buffer, length))
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.reserve(16 * 1024);
    if stream.read_buf(buffer).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

fn parse(head: &[u8]) -> Option<Received> {
    let mut lines = head.strip_suffix(b"\r\n\r\n")?.split(|byte| *byte == b'\n');
    let mut words = lines.next()?.strip_suffix(b"\r").unwrap_or(head).split(|byte| *byte == b' ');
    let method = String::from_utf8(words.next()?.to_vec()).ok()?;
    let target = String::from_utf8(words.next()?.to_vec()).ok()?;
    let headers = lines.map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((line[..colon].to_vec(), line[colon + 1..].trim_ascii().to_vec()))
    });
    Some(Received { method, target, headers: headers.collect::<Option<_>>()?, body: Vec::new() })
}

fn number(digits: &[u8], radix: u32) -> Option<usize> {
    usize::from_str_radix(std::str::from_utf8(digits).ok()?.trim(), radix).ok()
}

fn find(buffer: &[u8], what: &[u8]) -> Option<usize> {
    buffer.windows(what.len()).position(|window| window == what)
}

fn take(buffer: &mut Vec<u8>, length: usize) -> Vec<u8> {
    let rest = buffer.split_off(length);
    std::mem::replace(buffer, rest)
}

fn malformed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_headers_as_they_came() {
        let head = b"POST /v1/messages?beta=true HTTP/1.1\r\nHost: x\r\nX-Twice: \xff\r\nx-twice:b\r\n\r\n";
        let request = parse(head).unwrap();
        assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/v1/messages?beta=true"));
        let headers = [("Host", &b"x"[..]), ("X-Twice", b"\xff"), ("x-twice", b"b")];
        assert_eq!(request.headers, headers.map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec())));
    }

    #[test]
    fn takes_a_request_without_headers() {
        assert!(parse(b"GET / HTTP/1.1\r\n\r\n").unwrap().headers.is_empty());
    }
}

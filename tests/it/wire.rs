//! HTTP/1.1 as bytes, for both ends of the differential test: no library may tidy what is compared.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

/// Header fields in the order of the wire.
pub(crate) type Fields = Vec<(String, Vec<u8>)>;

/// A first line and the fields under it.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) line: String,
    pub(crate) fields: Fields,
}

impl Head {
    /// The first value of a field, as text.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.fields.iter().find(|(given, _)| given.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// The length that is announced.
    pub(crate) fn length(&self) -> Option<usize> {
        self.get("content-length").and_then(|length| length.parse().ok())
    }

    /// Whether the body is chunked.
    pub(crate) fn chunked(&self) -> bool {
        self.get("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
    }
}

/// A head as it goes over the wire.
pub(crate) fn head(line: &str, fields: &Fields) -> Vec<u8> {
    let mut out = format!("{line}\r\n").into_bytes();
    for (name, value) in fields {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// A piece as a chunk.
pub(crate) fn chunk(piece: &[u8]) -> Vec<u8> {
    let mut out = format!("{:x}\r\n", piece.len()).into_bytes();
    out.extend_from_slice(piece);
    out.extend_from_slice(b"\r\n");
    out
}

/// The last chunk and the trailers.
pub(crate) fn last_chunk(trailers: &Fields) -> Vec<u8> {
    head("0", trailers)
}

/// The next head; `None` when the connection ends before its first byte.
pub(crate) async fn read_head(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Head>> {
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        from.read_until(b'\n', &mut line).await?;
        if line.is_empty() && lines.is_empty() {
            return Ok(None);
        }
        if !line.ends_with(b"\n") {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_ascii_end().to_vec();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let mut lines = lines.into_iter();
    let line = String::from_utf8_lossy(&lines.next().unwrap_or_default()).into_owned();
    Ok(Some(Head { line, fields: lines.map(|line| field(&line)).collect() }))
}

fn field(line: &[u8]) -> (String, Vec<u8>) {
    let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
    let value = line.get(colon + 1..).unwrap_or_default();
    (String::from_utf8_lossy(&line[..colon]).into_owned(), value.trim_ascii().to_vec())
}

/// The body that a head announces, piece by piece to `part`; the trailers, or an error when it breaks off.
pub(crate) async fn read_body(
    from: &mut (impl AsyncBufRead + Unpin),
    framing: (bool, Option<usize>),
    mut part: impl FnMut(&[u8], Option<usize>),
) -> io::Result<Fields> {
    match framing {
        (true, _) => loop {
            let mut line = String::new();
            from.read_line(&mut line).await?;
            let size = line.strip_suffix("\r\n").and_then(|size| usize::from_str_radix(size, 16).ok());
            let size = size.ok_or(io::ErrorKind::UnexpectedEof)?;
            if size == 0 {
                return trailers(from).await;
            }
            exactly(from, size, |bytes| part(bytes, None)).await?;
            part(&[], Some(size));
            exactly(from, 2, |_| ()).await?;
        },
        (false, Some(length)) => {
            exactly(from, length, |bytes| part(bytes, None)).await.map(|()| Fields::new())
        }
        (false, None) => {
            let mut buffer = vec![0; 64 << 10];
            loop {
                match from.read(&mut buffer).await? {
                    0 => return Ok(Fields::new()),
                    n => part(&buffer[..n], None),
                }
            }
        }
    }
}

async fn exactly(
    from: &mut (impl AsyncBufRead + Unpin),
    mut left: usize,
    mut part: impl FnMut(&[u8]),
) -> io::Result<()> {
    let mut buffer = vec![0; left.min(64 << 10)];
    while left > 0 {
        let most = left.min(buffer.len());
        match from.read(&mut buffer[..most]).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                part(&buffer[..n]);
                left -= n;
            }
        }
    }
    Ok(())
}

async fn trailers(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Fields> {
    let mut out = Fields::new();
    loop {
        let mut line = Vec::new();
        from.read_until(b'\n', &mut line).await?;
        match line.strip_suffix(b"\r\n") {
            Some(b"") => return Ok(out),
            Some(line) => out.push(field(line)),
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

//! The tar archive within its compression.

use std::io::{self, BufRead as _, BufReader, Read};

use flate2::bufread::GzDecoder;
use zstd::stream::read::Decoder;

use super::Kind;

/// Power of two of the memory decompression may ask for, 8 MiB; `tar --zstd`
/// asks for less.
const WINDOW_LOG: u32 = 23;

/// A tar archive's bytes.
pub enum Stream<R> {
    /// Not compressed.
    Plain(BufReader<R>),
    /// One gzip member.
    Gzip(Box<GzDecoder<BufReader<R>>>),
    /// One zstd frame.
    Zstd(Decoder<'static, BufReader<R>>),
}

impl<R: Read> Stream<R> {
    /// Opens what was found to be of this kind.
    ///
    /// # Errors
    /// Memory that is lacking.
    pub fn open(kind: Kind, file: R) -> io::Result<Self> {
        let file = BufReader::new(file);
        Ok(match kind {
            Kind::Gzip => Self::Gzip(Box::new(GzDecoder::new(file))),
            Kind::Zstd => {
                let mut decoder = Decoder::with_buffer(file)?.single_frame();
                decoder.window_log_max(WINDOW_LOG)?;
                Self::Zstd(decoder)
            }
            Kind::Tar | Kind::Zip => Self::Plain(file),
        })
    }

    /// Whether the file ends where the archive does. Programs differ in what
    /// they make of a second archive behind the first.
    ///
    /// # Errors
    /// What the file system says.
    pub fn ends(self) -> io::Result<bool> {
        let mut rest = match self {
            Self::Plain(file) => file,
            Self::Gzip(decoder) => decoder.into_inner(),
            Self::Zstd(decoder) => decoder.finish(),
        };
        Ok(rest.fill_buf()?.is_empty())
    }
}

impl<R: Read> Read for Stream<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.read(into),
            Self::Gzip(decoder) => decoder.read(into),
            Self::Zstd(decoder) => decoder.read(into),
        }
    }
}

//! Sole reader and writer of evidence bundles, with limits and the redaction record.

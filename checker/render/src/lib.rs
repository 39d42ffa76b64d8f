//! Reports as text, JSON, JUnit and HTML.

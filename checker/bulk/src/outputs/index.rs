//! `index.csv` of a directory: which student's file is which.

use std::{fs::File, io};

use super::{Folder, safe::cell};
use crate::grade::Grade;

/// The table that says whose file is which.
pub struct Index {
    writer: csv::Writer<File>,
}

impl Index {
    /// Begins it in the folder, with a column for each kind of file.
    pub fn begin(folder: &Folder, files: &[&str]) -> io::Result<Self> {
        let mut writer = csv::Writer::from_writer(File::create(folder.file("index.csv"))?);
        writer.write_record(["id", "name", "standing"].iter().chain(files))?;
        Ok(Self { writer })
    }

    /// Adds a student's line; a file that there is none of is empty.
    pub fn add(&mut self, grade: &Grade, files: &[&str]) -> io::Result<()> {
        let (id, name) = (cell(&grade.student.id), cell(&grade.student.name));
        let cells = [&*id, &*name, grade.standing.word()];
        Ok(self.writer.write_record(cells.iter().chain(files))?)
    }

    /// Ends it.
    pub fn finish(mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

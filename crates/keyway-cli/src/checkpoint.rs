//! `--checkpoint`: which lines of an input file have their results, so that a run that died goes on where it was.
//!
//! A journal, appended to after results were written: a header that knows the input, then for every write the lines
//! that it held and the length of the output after it. What the output holds beyond the last entry is read from the
//! output itself, so that with `--output` no result is lost and none stands twice.

use std::{
    collections::BTreeMap,
    fs::{File, TryLockError},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::exit::CliError;

/// An input is recognised by so many of its first bytes. It may have grown since.
const PREFIX_BYTES: u64 = 1 << 20;

/// The journal of a run.
pub(crate) struct Checkpoint {
    file: File,
    what: String,
    answered: Answered,
}

/// Line numbers, as ranges: first and last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answered(BTreeMap<u64, u64>);

/// The first line of the journal.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Header {
    /// Version of the format: 1.
    keyway_checkpoint: u32,
    prefix_bytes: u64,
    prefix_sha256: String,
}

/// Every other line.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    /// First and last of each run of lines that were answered.
    lines: Vec<(u64, u64)>,
    /// Bytes of the output after that.
    output_bytes: u64,
}

/// The members of a result that say which line it answers, and whether that has further results.
#[derive(Deserialize)]
struct Numbered {
    line: u64,
    #[serde(default)]
    more: bool,
}

// === impl Answered ===

impl Answered {
    pub(crate) fn has(&self, line: u64) -> bool {
        self.0.range(..=line).next_back().is_some_and(|(_, last)| line <= *last)
    }

    pub(crate) fn add(&mut self, line: u64) {
        self.add_range(line, line);
    }

    fn add_range(&mut self, mut first: u64, mut last: u64) {
        if let Some((before, its_last)) = self.0.range(..=first).next_back()
            && its_last.saturating_add(1) >= first
        {
            (first, last) = (*before, last.max(*its_last));
        }
        // All that it meets becomes part of it.
        while let Some((met, its_last)) = self.0.range(first..=last.saturating_add(1)).next() {
            let (met, its_last) = (*met, *its_last);
            self.0.remove(&met);
            last = last.max(its_last);
        }
        self.0.insert(first, last);
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

// === impl Checkpoint ===

impl Checkpoint {
    /// Opens a journal, or begins one, and brings the output in step with it: a result that was cut off is taken away.
    pub(crate) fn open(path: &Path, input: &Path, output: Option<&Path>) -> Result<Self, CliError> {
        let what = format!("`{}`", path.display());
        let failed = |why: io::Error| CliError::Output { what: what.clone(), why };
        let file = File::options().create(true).read(true).append(true).open(path).map_err(failed)?;
        // A device or a pipe may have no end, and keeps nothing.
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(CliError::Usage(format!("the checkpoint {what} is no file; give the path of one")));
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(CliError::Usage(format!("another run uses the checkpoint {what}; give each run its own")));
            }
            Err(TryLockError::Error(why)) => return Err(failed(why)),
        }
        let (header, entries, whole_bytes) = read(&file, &what)?;
        file.set_len(whole_bytes).map_err(failed)?;
        let mut checkpoint = Self { file, what: what.clone(), answered: Answered::default() };
        let goes_on = header.is_some();
        match header {
            // It is on disk before the first result is, so without it there is none: what the output holds is older.
            None => {
                let header = header_of(input, PREFIX_BYTES)?;
                checkpoint.append(&header)?;
                checkpoint.file.sync_all().map_err(failed)?;
            }
            Some(header) => {
                if header != header_of(input, header.prefix_bytes)? {
                    let why = format!(
                        "the checkpoint {what} is of another input than `{}`; give another, or remove it",
                        input.display()
                    );
                    return Err(CliError::Usage(why));
                }
            }
        }
        for (first, last) in entries.iter().flat_map(|entry| &entry.lines) {
            checkpoint.answered.add_range(*first, *last);
        }
        if let Some(output) = output.filter(|_| goes_on) {
            let noted = entries.last().map_or(0, |entry| entry.output_bytes);
            checkpoint.take_in(output, noted)?;
        }
        Ok(checkpoint)
    }

    /// The lines that have their results.
    pub(crate) fn answered(&self) -> &Answered {
        &self.answered
    }

    /// Whether this run goes on with an earlier one.
    pub(crate) fn goes_on(&self) -> bool {
        !self.answered.is_empty()
    }

    /// Notes that the results of these lines are written, and how long the output is now.
    pub(crate) fn note(&mut self, lines: &[u64], output_bytes: u64) -> Result<(), CliError> {
        let mut answered = Answered::default();
        lines.iter().for_each(|line| answered.add(*line));
        self.append(&Entry { lines: answered.0.into_iter().collect(), output_bytes })
    }

    fn append(&mut self, line: &impl Serialize) -> Result<(), CliError> {
        let mut text = serde_json::to_vec(line).unwrap_or_default();
        text.push(b'\n');
        // One write, so that a process that dies leaves a whole line or none.
        self.file.write_all(&text).map_err(|why| CliError::Output { what: self.what.clone(), why })
    }

    /// Takes in the results that the output holds beyond what was noted: the process died between the two writes.
    fn take_in(&mut self, output: &Path, noted: u64) -> Result<(), CliError> {
        let place = format!("`{}`", output.display());
        let failed = |why: io::Error| CliError::Output { what: place.clone(), why };
        let mut file = match File::options().read(true).write(true).open(output) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound && noted == 0 => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        let length = file.metadata().map_err(failed)?.len();
        if length < noted {
            let why = format!(
                "{place} is shorter than the checkpoint {} says; it is another output, or results were taken out of it",
                self.what
            );
            return Err(CliError::Usage(format!("{why}; remove the checkpoint to begin anew")));
        }
        file.seek(SeekFrom::Start(noted)).map_err(failed)?;
        let mut lines = BufReader::new(&file);
        let (mut line, mut whole, mut found) = (Vec::new(), noted, Vec::new());
        while lines.read_until(b'\n', &mut line).map_err(failed)? > 0 {
            let Some(numbered) =
                line.strip_suffix(b"\n").and_then(|line| serde_json::from_slice::<Numbered>(line).ok())
            else {
                break;
            };
            // A message with further results is asked again from its first page.
            found.extend((!numbered.more).then_some(numbered.line));
            whole += line.len() as u64;
            line.clear();
        }
        file.set_len(whole).map_err(failed)?;
        found.iter().for_each(|line| self.answered.add(*line));
        if found.is_empty() { Ok(()) } else { self.note(&found, whole) }
    }
}

/// The header, the entries, and how many bytes of whole lines there are. What was cut off is as if it were not there.
fn read(file: &File, what: &str) -> Result<(Option<Header>, Vec<Entry>, u64), CliError> {
    let damaged = || CliError::Usage(format!("{what} is no checkpoint; give another path, or remove it"));
    let mut lines = BufReader::new(file);
    let (mut header, mut entries, mut whole, mut line) = (None, Vec::new(), 0, String::new());
    loop {
        line.clear();
        let count = lines.read_line(&mut line).map_err(|why| CliError::Input { what: what.to_owned(), why })?;
        let Some(text) = line.strip_suffix('\n') else { break };
        match &header {
            None => header = Some(serde_json::from_str(text).map_err(|_| damaged())?),
            Some(_) => entries.push(serde_json::from_str::<Entry>(text).map_err(|_| damaged())?),
        }
        whole += count as u64;
    }
    // A file of somebody else's that happens to have no line break must not be cut to nothing.
    if header.is_none() && !line.is_empty() && !line.starts_with("{\"keyway_checkpoint\"") {
        return Err(damaged());
    }
    Ok((header, entries, whole))
}

fn header_of(input: &Path, prefix_bytes: u64) -> Result<Header, CliError> {
    let failed = |why: io::Error| CliError::Input { what: format!("`{}`", input.display()), why };
    let file = File::open(input).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(CliError::Usage(format!(
            "`{}` is no file, so a run of it cannot be resumed; leave --checkpoint out",
            input.display()
        )));
    }
    let prefix_bytes = prefix_bytes.min(metadata.len());
    let mut prefix = Vec::new();
    file.take(prefix_bytes).read_to_end(&mut prefix).map_err(failed)?;
    let prefix_sha256 = Sha256::digest(&prefix).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Header { keyway_checkpoint: 1, prefix_bytes, prefix_sha256 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_in_any_order_become_ranges() {
        let mut answered = Answered::default();
        for line in [3, 1, 2, 7, 5, 6, 3, 10] {
            answered.add(line);
        }
        answered.add_range(9, 12);
        let held: Vec<u64> = (0..15).filter(|line| answered.has(*line)).collect();
        assert_eq!(held, [1, 2, 3, 5, 6, 7, 9, 10, 11, 12]);
    }

    #[test]
    fn a_journal_survives_its_process_at_every_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("in"), "1\n2\n3\n4\n").unwrap();
        let results = "{\"line\":2}\n{\"line\":1}\n{\"line\":4}\n";
        let open = || Checkpoint::open(&path("journal"), &path("in"), Some(&path("out")));
        open().unwrap().note(&[2, 1], 22).unwrap();
        let journal = std::fs::read(path("journal")).unwrap();
        let header = journal.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for journal_bytes in header..=journal.len() {
            for output_bytes in 22..=results.len() {
                std::fs::write(path("journal"), &journal[..journal_bytes]).unwrap();
                std::fs::write(path("out"), &results[..output_bytes]).unwrap();
                let answered = open().unwrap().answered().clone();
                let whole = output_bytes == results.len();
                let held: Vec<u64> = (1..=4).filter(|line| answered.has(*line)).collect();
                let wanted: &[u64] = if whole { &[1, 2, 4] } else { &[1, 2] };
                assert_eq!(held, wanted, "{journal_bytes} bytes of the journal, {output_bytes} of the output");
                let kept = std::fs::read_to_string(path("out")).unwrap();
                assert_eq!(kept, if whole { results } else { &results[..22] }, "no result is cut off");
            }
        }
        std::fs::write(path("in"), "other\n").unwrap();
        assert!(open().is_err(), "another input");
        std::fs::write(path("in"), "1\n2\n3\n4\n5\n").unwrap();
        std::fs::write(path("out"), "").unwrap();
        assert!(open().is_err(), "an output that lost its results");
    }
}

//! Writing from the runtime's threads. A reader that is slow must stop the run, and not the threads on which signals,
//! timers and other people's messages are waited for.

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
};

#[cfg(target_os = "linux")]
use tokio::{io::AsyncWriteExt, net::unix::pipe};

/// A pipe that has room has room for so many bytes: POSIX' `PIPE_BUF` on Linux, and what a page has elsewhere.
#[cfg(unix)]
const ROOM: usize = 4096;

/// A file, pipe or device that is written to.
pub(super) struct Sink {
    file: File,
    waits: Waits,
    /// The same pipe once more, set so that no write waits. What is set so is ours alone, as the other end's flags and
    /// those of whoever shares the pipe are theirs.
    #[cfg(target_os = "linux")]
    pipe: Option<pipe::Sender>,
}

/// Whether a write may wait for somebody.
#[derive(Clone, Copy)]
enum Waits {
    /// A file on a disk, or a device without anybody behind it.
    Never,
    /// A pipe, which can be asked.
    #[cfg(unix)]
    WithoutRoom,
    /// A terminal, a socket, or who knows.
    Perhaps,
}

// === impl Sink ===

impl Sink {
    pub(super) fn new(file: File) -> io::Result<Self> {
        let waits = Waits::of(&file)?;
        #[cfg(target_os = "linux")]
        let pipe = matches!(waits, Waits::WithoutRoom).then(|| opened_anew(&file)).flatten();
        Ok(Self {
            file,
            waits,
            #[cfg(target_os = "linux")]
            pipe,
        })
    }

    /// Standard output as it is now. It is not buffered.
    pub(super) fn standard_output() -> io::Result<Self> {
        #[cfg(unix)]
        let own = std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned();
        #[cfg(windows)]
        let own = std::os::windows::io::AsHandle::as_handle(&io::stdout()).try_clone_to_owned();
        Self::new(File::from(own?))
    }

    /// Writes all of it. While a pipe has no room, this thread does something else: another one in its place would bring
    /// memory of its own, some 4 MiB, and stay.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        if let Some(pipe) = &mut self.pipe {
            return pipe.write_all(bytes).await;
        }
        self.write_all(bytes)
    }

    /// Bytes that it holds, where it is a file.
    pub(super) fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.waits {
            Waits::Never => self.file.write(bytes),
            #[cfg(unix)]
            Waits::WithoutRoom if has_room(&self.file, true) => self.file.write(&bytes[..bytes.len().min(ROOM)]),
            // Another thread takes over what this one has to do.
            _ => tokio::task::block_in_place(|| match self.file.write(bytes) {
                // Whoever gave us this pipe may have set it so.
                #[cfg(unix)]
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    has_room(&self.file, false);
                    self.file.write(&bytes[..bytes.len().min(ROOM)])
                }
                written => written,
            }),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

// === impl Waits ===

impl Waits {
    fn of(file: &File) -> io::Result<Self> {
        let kind = file.metadata()?.file_type();
        #[cfg(unix)]
        {
            use std::os::unix::fs::FileTypeExt;
            if kind.is_fifo() {
                return Ok(Self::WithoutRoom);
            }
            if kind.is_char_device() && !file.is_terminal() {
                return Ok(Self::Never);
            }
        }
        Ok(if kind.is_file() && !file.is_terminal() { Self::Never } else { Self::Perhaps })
    }
}

/// `None` where that may not be: the pipe can be another user's.
#[cfg(target_os = "linux")]
fn opened_anew(file: &File) -> Option<pipe::Sender> {
    use std::os::fd::AsRawFd;
    pipe::OpenOptions::new().open_sender(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()
}

/// Whether a pipe takes [`ROOM`] bytes, or has nobody at its other end, which the write will tell.
#[cfg(unix)]
fn has_room(file: &File, now: bool) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut asked = [PollFd::new(file, PollFlags::OUT)];
    matches!(poll(&mut asked, now.then_some(&at_once)), Ok(ready) if ready > 0)
}

//! The arguments of a kernel on the CPU: slices in binding order.

/// One argument: a slice of floats or of words, to read or to write.
#[derive(Debug)]
pub(crate) enum Arg<'a, T> {
    Read(&'a [T]),
    Write(&'a mut [T]),
    ReadWords(&'a [u32]),
    WriteWords(&'a mut [u32]),
}

/// Iterator over the arguments of a kernel, in binding order.
///
/// A kernel that requests another kind of argument than the plan supplies is a bug in wgrad, and panics.
pub(crate) struct Args<'a, 'b, T>(std::slice::IterMut<'b, Arg<'a, T>>);

impl<'a, 'b, T> Args<'a, 'b, T> {
    pub(crate) fn new(args: &'b mut [Arg<'a, T>]) -> Self {
        Args(args.iter_mut())
    }

    pub(crate) fn read(&mut self) -> &'b [T] {
        match self.0.next() {
            Some(Arg::Read(slice)) => slice,
            _ => unreachable!("the kernel reads floats here"),
        }
    }

    pub(crate) fn write(&mut self) -> &'b mut [T] {
        match self.0.next() {
            Some(Arg::Write(slice)) => slice,
            _ => unreachable!("the kernel writes floats here"),
        }
    }

    pub(crate) fn read_words(&mut self) -> &'b [u32] {
        match self.0.next() {
            Some(Arg::ReadWords(slice)) => slice,
            _ => unreachable!("the kernel reads words here"),
        }
    }

    pub(crate) fn write_words(&mut self) -> &'b mut [u32] {
        match self.0.next() {
            Some(Arg::WriteWords(slice)) => slice,
            _ => unreachable!("the kernel writes words here"),
        }
    }
}

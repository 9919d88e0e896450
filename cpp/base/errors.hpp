// What can go wrong, by what the caller can do about it. Every message answers what, where, found and expected.
// The binding turns each into the Python exception of the same name (IoError into OSError).
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace vicinal {

class VicinalError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

// A caller's mistake.
class InvalidArgumentError : public VicinalError {
    using VicinalError::VicinalError;
};
class InvalidVectorError : public VicinalError {
    using VicinalError::VicinalError;
};
class DuplicateIdError : public VicinalError {
    using VicinalError::VicinalError;
};
class UnknownIdError : public VicinalError {
    using VicinalError::VicinalError;
};

// A recall was asked of an index that does not know what it takes.
class NotTunedError : public VicinalError {
    using VicinalError::VicinalError;
};

// Bytes that are not, or no longer, an index.
class CorruptIndexError : public VicinalError {
    using VicinalError::VicinalError;
};
class NotAnIndexError : public VicinalError {
    using VicinalError::VicinalError;
};
class FormatTooNewError : public VicinalError {
    using VicinalError::VicinalError;
};

// What was asked for would change an index that cannot be changed: it is used where it lies in its file, or it was
// closed.
class ReadOnlyError : public VicinalError {
    using VicinalError::VicinalError;
};

// Two files that do not belong together.
class MismatchedFilesError : public VicinalError {
    using VicinalError::VicinalError;
};

// The operating system refused.
class IoError : public VicinalError {
public:
    IoError(int error_number, std::string path, const std::string& what)
        : VicinalError(what), error_number_(error_number), path_(std::move(path)) {}
    int error_number() const { return error_number_; }
    const std::string& path() const { return path_; }

private:
    int error_number_;
    std::string path_;
};

// The process is a child that was forked while another thread of its parent was writing.
class ForkedError : public VicinalError {
public:
    ForkedError()
        : VicinalError(
              "this process was forked while another thread was changing or saving the index: here it can be searched, "
              "but neither changed nor saved") {}
};

// The watch said stop (see watch.hpp). What had been finished by then stays.
class Stopped : public VicinalError {
public:
    Stopped() : VicinalError("stopped by the caller") {}
};

}  // namespace vicinal

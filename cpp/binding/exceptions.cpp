#include "binding/exceptions.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <stdexcept>

#include "base/errors.hpp"
#include "binding/python.hpp"

namespace vicinal::binding {
namespace {

template <class Error>
bool is(const std::exception& error) {
    return dynamic_cast<const Error*>(&error) != nullptr;
}

struct Class {
    const char* name;  // in vicinal.errors
    bool (*holds)(const std::exception&);
};
constexpr std::array<Class, 10> kClasses{{
    {"InvalidVectorError", is<InvalidVectorError>},
    {"DuplicateIdError", is<DuplicateIdError>},
    {"UnknownIdError", is<UnknownIdError>},
    {"NotTunedError", is<NotTunedError>},
    {"CorruptIndexError", is<CorruptIndexError>},
    {"NotAnIndexError", is<NotAnIndexError>},
    {"FormatTooNewError", is<FormatTooNewError>},
    {"ReadOnlyError", is<ReadOnlyError>},
    {"MismatchError", is<MismatchedFilesError>},
    {"VicinalError", is<VicinalError>},
}};

void raise(const VicinalError& error) {
    const auto* found = std::find_if(kClasses.begin(), kClasses.end(), [&](const Class& c) { return c.holds(error); });
    PyErr_SetString(py::module_::import("vicinal.errors").attr(found->name).ptr(), error.what());
}

// Python makes the subclass that fits the number: FileNotFoundError, PermissionError ... In place of the system's word
// for the number stands what was being done, which ends with that word.
void raise_os_error(const IoError& error) {
    const py::object path = py::reinterpret_steal<py::object>(PyUnicode_DecodeFSDefault(error.path().c_str()));
    if (!path) return;
    const py::tuple arguments = py::make_tuple(error.error_number(), error.what(), path);
    PyErr_SetObject(PyExc_OSError, arguments.ptr());
}

// False when `error` is none of ours.
bool raise_ours(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const InvalidArgumentError& e) {
        PyErr_SetString(PyExc_ValueError, e.what());
    } catch (const IoError& e) {
        raise_os_error(e);
    } catch (const ForkedError& e) {
        PyErr_SetString(PyExc_RuntimeError, e.what());
    } catch (const VicinalError& e) {
        raise(e);
    } catch (const std::bad_alloc&) {
        PyErr_SetString(PyExc_MemoryError, "not enough memory; the index is as it was before the call");
    } catch (const std::overflow_error& e) {  // of checked arithmetic: more bytes than there are addresses
        PyErr_SetString(PyExc_MemoryError, e.what());
    } catch (const std::length_error& e) {
        PyErr_SetString(PyExc_MemoryError, e.what());
    } catch (...) {
        return false;
    }
    return true;
}

}  // namespace

void set_python_error(const std::exception_ptr& error) noexcept {
    try {
        if (raise_ours(error)) return;
        std::rethrow_exception(error);
    } catch (py::error_already_set& e) {
        e.restore();
    } catch (const std::exception& e) {
        PyErr_SetString(PyExc_RuntimeError, e.what());
    } catch (...) {
        PyErr_SetString(PyExc_RuntimeError, "an unknown C++ exception");
    }
}

void register_exceptions() {
    py::register_local_exception_translator([](std::exception_ptr error) {
        if (error && !raise_ours(error)) std::rethrow_exception(error);
    });
}

}  // namespace vicinal::binding

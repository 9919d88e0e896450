#include "binding/exceptions.hpp"

#include <cstring>
#include <new>
#include <stdexcept>

#include "base/errors.hpp"
#include "binding/python.hpp"

namespace vicinal::binding {
namespace {

void raise(const char* name, const std::exception& error) {
    const py::object type = py::module_::import("vicinal.errors").attr(name);
    PyErr_SetString(type.ptr(), error.what());
}

// Python makes the subclass that fits the number: FileNotFoundError, PermissionError ...
void raise_os_error(const IoError& error) {
    const py::object path = py::reinterpret_steal<py::object>(PyUnicode_DecodeFSDefault(error.path().c_str()));
    if (!path) return;
    const py::tuple arguments = py::make_tuple(error.error_number(), std::strerror(error.error_number()), path);
    PyErr_SetObject(PyExc_OSError, arguments.ptr());
}

// False when `error` is none of ours.
bool raise_ours(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const InvalidArgumentError& e) {
        PyErr_SetString(PyExc_ValueError, e.what());
    } catch (const InvalidVectorError& e) {
        raise("InvalidVectorError", e);
    } catch (const DuplicateIdError& e) {
        raise("DuplicateIdError", e);
    } catch (const UnknownIdError& e) {
        raise("UnknownIdError", e);
    } catch (const CorruptIndexError& e) {
        raise("CorruptIndexError", e);
    } catch (const NotAnIndexError& e) {
        raise("NotAnIndexError", e);
    } catch (const FormatTooNewError& e) {
        raise("FormatTooNewError", e);
    } catch (const IoError& e) {
        raise_os_error(e);
    } catch (const VicinalError& e) {
        raise("VicinalError", e);
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

void set_python_error(std::exception_ptr error) noexcept {
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

// Indexes that live in files: _core.open_store, and the methods of _core.Index that only they have.
#include "index/store.hpp"

#include <optional>

#include "base/errors.hpp"
#include "binding/handle.hpp"
#include "binding/python_watch.hpp"
#include "binding/settings.hpp"

namespace vicinal::binding {
namespace {

PosixDisk disk;  // it has no state

Durability durability_of(const std::string& name) {
    if (name == "none") return Durability::none;
    if (name == "batched") return Durability::batched;
    if (name == "every_call") return Durability::every_call;
    throw InvalidArgumentError("durability is '" + name + "', expected none, batched or every_call");
}

// `like` has the options of the index to make where there is none.
Loaded open_store(const std::string& path, const std::string& durability, const Handle* like) {
    PythonWatch watch(py::none{});
    std::optional<Options> create;
    if (like != nullptr) create = like->index->options();
    Loaded loaded{nullptr, watched(watch, [&](Watch& core) {
                      return Store::open(disk, path, create, durability_of(durability), core);
                  })};
    watch.throw_error();
    return loaded;
}

template <class Call>
void on_store(Handle& self, const char* what, Call&& call) {
    if (!self.store)
        throw InvalidArgumentError(std::string(what) +
                                   ": this index is not kept in a file; Index.open keeps one there");
    PythonWatch watch(py::none{});
    watched(watch, [&](Watch& core) { call(*self.store, core); });
    watch.throw_error();
}

py::object facts(const Handle& self) {
    if (!self.store) return py::none{};
    const StoreFacts found = self.store->facts();
    constexpr const char* kNames[] = {"none", "batched", "every_call"};
    return py::dict("path"_a = py::reinterpret_steal<py::object>(PyUnicode_DecodeFSDefault(self.store->path().c_str())),
                    "durability"_a = kNames[static_cast<std::size_t>(found.durability)],
                    "log_bytes"_a = found.log_bytes, "rows_in_log"_a = found.rows_in_log,
                    "recovered"_a = found.recovered, "dropped_bytes"_a = found.dropped_bytes, "broken"_a = found.broken,
                    "last_failure"_a = found.last_failure);
}

}  // namespace

void bind_store(py::class_<Handle>& index, py::module_& module) {
    module.def("open_store", &open_store, "path"_a, "durability"_a, "like"_a.none(true));
    index.def("_store", &facts)
        .def("_commit",
             [](Handle& self) {
                 if (self.store) without_gil([&] { self.store->commit(); });
             })
        .def("_sync",
             [](Handle& self) { on_store(self, "sync", [](Store& store, Watch& watch) { store.sync(watch); }); })
        .def("_checkpoint",
             [](Handle& self) {
                 on_store(self, "checkpoint", [](Store& store, Watch& watch) { store.checkpoint(watch); });
             })
        .def("_close",
             [](Handle& self) { on_store(self, "close", [](Store& store, Watch& watch) { store.close(watch); }); });
}

}  // namespace vicinal::binding

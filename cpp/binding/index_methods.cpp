// The methods of _core.Index. They begin with an underscore: vicinal.Index, their subclass, checks what it is given
// and documents what it does; these take arrays that fit.
#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/errors.hpp"
#include "base/team.hpp"
#include "binding/bytes.hpp"
#include "binding/calibration.hpp"
#include "binding/filters.hpp"
#include "binding/handle.hpp"
#include "binding/python_watch.hpp"
#include "binding/rows.hpp"
#include "binding/settings.hpp"

namespace vicinal::binding {
namespace {

using Ids = py::array_t<std::int64_t, py::array::c_style>;

py::array_t<std::int64_t> as_array(const std::vector<std::int64_t>& numbers) {
    return py::array_t<std::int64_t>(static_cast<py::ssize_t>(numbers.size()), numbers.data());
}

std::span<const std::int64_t> numbers_of(const Ids& ids) { return {ids.data(), static_cast<std::size_t>(ids.size())}; }

[[noreturn]] void throw_interrupted(const py::array& ids, const py::error_already_set& cause) {
    const py::object type = py::module_::import("vicinal.errors").attr("Interrupted");
    const py::object exception = type(ids);
    PyException_SetCause(exception.ptr(), py::object(cause.value()).release().ptr());
    PyErr_SetObject(type.ptr(), exception.ptr());
    throw py::error_already_set();
}

// The same call of an index in memory, and of one that lives in a file.
using Write = Added (Index::*)(const Batch& batch, std::size_t threads, Watch& watch);
using StoreWrite = Added (Store::*)(const Batch& batch, std::size_t threads, Watch& watch);
template <Write kWrite, StoreWrite kStoreWrite>
py::array_t<std::int64_t> write(Handle& self, const py::array& vectors, const Ids& ids, const Ids& groups,
                                const Ids& order, std::size_t threads, py::object progress) {
    const Options& options = self.index->options();
    const Rows rows = rows_of(vectors, "vectors", options.dtype, options.dim);
    PythonWatch watch(std::move(progress));
    const Added added = watched(watch, [&](Watch& core) {
        const Batch batch{rows.data, rows.n, numbers_of(ids), numbers_of(groups), numbers_of(order)};
        if (self.store) return ((*self.store).*kStoreWrite)(batch, resolve_threads(threads), core);
        return ((*self.index).*kWrite)(batch, resolve_threads(threads), core);
    });
    py::array_t<std::int64_t> in = as_array(added.ids);
    if (watch.error() && watch.error()->matches(PyExc_KeyboardInterrupt)) throw_interrupted(in, *watch.error());
    if (watch.error()) {
        // An exception of the caller's own, from `progress` or a signal handler, stops a call as Ctrl-C does, and tells
        // as much.
        if (PyObject_SetAttrString(watch.error()->value().ptr(), "added", in.ptr()) != 0) PyErr_Clear();
        watch.throw_error();
    }
    if (!added.complete) throw std::logic_error("a call stopped, though nobody asked it to");
    return in;
}

void remove(Handle& self, const Ids& ids, std::size_t threads) {
    const std::size_t resolved = resolve_threads(threads);
    PythonWatch watch(py::none{});
    watched(watch, [&](Watch& core) {
        self.store ? self.store->remove(numbers_of(ids), resolved, core)
                   : self.index->remove(numbers_of(ids), resolved, core);
    });
    watch.throw_error();
}

template <auto kRearrange, auto kStoreRearrange>
void rearrange(Handle& self, std::size_t threads) {
    const std::size_t resolved = resolve_threads(threads);
    PythonWatch watch(py::none{});
    watched(watch, [&](Watch& core) {
        self.store ? ((*self.store).*kStoreRearrange)(resolved, core) : ((*self.index).*kRearrange)(resolved, core);
    });
    watch.throw_error();
}

void check(const Handle& self, const py::array& vectors, std::size_t threads) {
    const Options& options = self.index->options();
    const Rows rows = rows_of(vectors, "vectors", options.dtype, options.dim);
    PythonWatch watch(py::none{});
    watched(watch, [&](Watch& core) { self.index->check_rows(rows.data, rows.n, resolve_threads(threads), core); });
    watch.throw_error();
}

py::dict as_dict(const std::vector<Work>& work) {
    const auto column = [&](std::int64_t Work::* field) {
        py::array_t<std::int64_t> values(static_cast<py::ssize_t>(work.size()));
        std::transform(work.begin(), work.end(), values.mutable_data(), [&](const Work& one) { return one.*field; });
        return values;
    };
    return py::dict("distances"_a = column(&Work::distances), "estimates"_a = column(&Work::estimates),
                    "hops"_a = column(&Work::hops), "bytes"_a = column(&Work::bytes),
                    "reranked"_a = column(&Work::reranked), "effort"_a = column(&Work::effort),
                    "strategy"_a = strategies_of(work));
}

py::tuple search(const Handle& self, const py::array& queries, SearchOptions asked, const py::object& filters,
                 bool stats) {
    const Options& options = self.index->options();
    const std::vector<Filter> admitted = filters_of(filters);
    asked.filters = admitted;
    const Rows rows = rows_of(queries, "queries", options.dtype, options.dim);
    FoundArrays arrays(rows.n, asked.k);
    std::vector<std::int64_t> counts(rows.n);
    std::vector<Work> work(stats ? rows.n : 0);
    const Found found{span_of(arrays.ids), span_of(arrays.distances), counts, work};
    PythonWatch watch(py::none{});
    watched(watch, [&](Watch& core) { self.index->search(rows.data, rows.n, asked, found, core); });
    watch.throw_error();
    return py::make_tuple(arrays.ids, arrays.distances, stats ? py::object(as_dict(work)) : py::none{});
}

py::tuple range_search(const Handle& self, const py::array& queries, float radius, bool exact, std::size_t threads) {
    const Options& options = self.index->options();
    const Rows rows = rows_of(queries, "queries", options.dtype, options.dim);
    PythonWatch watch(py::none{});
    const Within found = watched(watch, [&](Watch& core) {
        return self.index->range_search(rows.data, rows.n, radius, exact, resolve_threads(threads), core);
    });
    watch.throw_error();
    const py::array_t<float> distances(static_cast<py::ssize_t>(found.distances.size()), found.distances.data());
    return py::make_tuple(as_array(found.lims), as_array(found.ids), distances);
}

py::array get(const Handle& self, const Ids& ids) {
    const Options& options = self.index->options();
    py::array rows = new_rows(options.dtype, options.dim, static_cast<std::size_t>(ids.size()));
    auto* data = static_cast<std::byte*>(rows.mutable_data());
    without_gil([&] { self.index->get(numbers_of(ids), data); });
    return rows;
}

py::dict health(const Handle& self) {
    PythonWatch watch(py::none{});
    const Health found = watched(watch, [&](Watch& core) { return self.index->health(core); });
    watch.throw_error();
    return binding::as_dict(found);
}

std::size_t repair(Handle& self) {
    PythonWatch watch(py::none{});
    const std::size_t repaired =
        watched(watch, [&](Watch& core) { return self.store ? self.store->repair(core) : self.index->repair(core); });
    watch.throw_error();
    return repaired;
}

void save(const Handle& self, const std::string& path) {
    PythonWatch watch(py::none{});
    watched(watch, [&](Watch& core) { self.index->save(path, core); });
    watch.throw_error();
}

py::bytes to_bytes(const Handle& self) {
    PythonWatch watch(py::none{});
    const std::vector<std::byte> bytes = watched(watch, [&](Watch& core) { return self.index->to_bytes(core); });
    watch.throw_error();
    return python_bytes(bytes);
}

Handle adopt(Loaded& loaded) {
    if (loaded.store) return Handle(std::move(loaded.store));
    if (!loaded.index) throw InvalidArgumentError("this loaded index has an owner already");
    return Handle(std::move(loaded.index));
}

template <class Read>
Loaded read_watched(Read&& read) {
    PythonWatch watch(py::none{});
    Loaded loaded{watched(watch, read), nullptr};
    watch.throw_error();
    return loaded;
}

Loaded load(const std::string& path, bool mmap) {
    return read_watched([&](Watch& core) { return mmap ? Index::map(path, core) : Index::load(path, core); });
}

Loaded from_bytes(const py::buffer& buffer) {
    const py::buffer_info info = buffer.request();
    const std::span<const std::byte> bytes = bytes_of(info);
    return read_watched([&](Watch& core) { return Index::from_bytes(bytes, core); });
}

}  // namespace

void bind_index(py::module_& module) {
    const py::class_<Loaded> loaded(module, "Loaded");
    module.def("load", &load, "path"_a, "mmap"_a);
    module.def("from_bytes", &from_bytes, "data"_a);

    py::class_<Handle> index(module, "Index");
    bind_store(index, module);
    bind_arrays(index, module);
    bind_group_search(index);
    index
        .def(py::init([](std::size_t dim, const std::string& metric, const std::string& dtype, std::size_t M,
                         std::size_t ef_construction, const std::string& traversal, const std::string& lift,
                         std::uint64_t seed, const std::string& codes, const std::string& vectors) {
                 Options options = options_of(dim, metric, dtype);
                 options.M = M;
                 options.ef_construction = ef_construction;
                 options.traversal = traversal_of(traversal);
                 options.lift = lift_of(lift);
                 options.seed = seed;
                 set_tier(options, codes, vectors);
                 return Handle(std::make_unique<Index>(options));
             }),
             "dim"_a, "metric"_a, "dtype"_a, "M"_a, "ef_construction"_a, "traversal"_a, "lift"_a, "seed"_a, "codes"_a,
             "vectors"_a)
        .def(py::init(&adopt), "loaded"_a)
        .def("_add", &write<&Index::add, &Store::add>, "vectors"_a, "ids"_a.noconvert(), "groups"_a.noconvert(),
             "order"_a.noconvert(), "threads"_a, "progress"_a)
        .def("_update", &write<&Index::update, &Store::update>, "vectors"_a, "ids"_a.noconvert(),
             "groups"_a.noconvert(), "order"_a.noconvert(), "threads"_a, "progress"_a)
        .def("_upsert", &write<&Index::upsert, &Store::upsert>, "vectors"_a, "ids"_a.noconvert(),
             "groups"_a.noconvert(), "order"_a.noconvert(), "threads"_a, "progress"_a)
        .def("_compact", &rearrange<&Index::compact, &Store::compact>, "threads"_a)
        .def("_optimize", &rearrange<&Index::optimize, &Store::optimize>, "threads"_a)
        .def("_snapshot",
             [](const Handle& self) { return Loaded{without_gil([&] { return self.index->snapshot(); })}; })
        .def("_check", &check, "vectors"_a, "threads"_a)
        .def(
            "_search",
            [](const Handle& self, const py::array& queries, std::size_t k, std::size_t ef, bool exact,
               std::size_t threads, bool stats, double recall, std::size_t per_group, const py::object& filters,
               std::size_t rerank) {
                const SearchOptions options{.k = k,
                                            .ef = ef,
                                            .exact = exact,
                                            .threads = resolve_threads(threads),
                                            .recall = recall,
                                            .per_group = per_group,
                                            .rerank = rerank};
                return search(self, queries, options, filters, stats);
            },
            "queries"_a, "k"_a, "ef"_a, "exact"_a, "threads"_a, "stats"_a, "recall"_a = 0.0, "per_group"_a = 0,
            "filters"_a = py::none(), "rerank"_a = 0)
        .def("_range_search", &range_search, "queries"_a, "radius"_a, "exact"_a, "threads"_a)
        .def(
            "_search_by_rule",
            [](const Handle& self, const py::array& queries, std::size_t k, std::size_t width, std::uint32_t anchor,
               float stretch, std::size_t threads) {
                const SearchOptions options{
                    .k = k, .ef = width, .threads = resolve_threads(threads), .rule = {anchor, stretch}};
                return search(self, queries, options, py::none(), true);
            },
            "queries"_a, "k"_a, "width"_a, "anchor"_a, "stretch"_a, "threads"_a)
        .def(
            "_calibrate",
            [](Handle& self, const py::dict& known) {
                Calibration calibration = calibration_of(known);
                PythonWatch watch(py::none{});
                watched(watch, [&](Watch& core) {
                    if (self.store) return self.store->calibrate(std::move(calibration), core);
                    self.index->calibrate(std::move(calibration));
                });
                watch.throw_error();
            },
            "known"_a)
        .def("_calibration",
             [](const Handle& self) {
                 const auto known = self.index->calibration();
                 return known == nullptr ? py::object(py::none{}) : py::object(as_dict(*known));
             })
        .def("_tuned_size",
             [](const Handle& self) {
                 const auto known = self.index->calibration();
                 return known == nullptr ? 0U : known->size;
             })
        .def("_get", &get, "ids"_a.noconvert())
        .def("_has_groups", [](const Handle& self) { return self.index->has_groups(); })
        .def(
            "_groups",
            [](const Handle& self, const Ids& ids) {
                return as_array(without_gil([&] { return self.index->groups(numbers_of(ids)); }));
            },
            "ids"_a.noconvert())
        .def("_remove", &remove, "ids"_a.noconvert(), "threads"_a)
        .def("_contains", [](const Handle& self, std::int64_t id) { return self.index->contains(id); })
        .def("__len__", [](const Handle& self) { return self.index->size(); })
        .def("_ids", [](const Handle& self) { return as_array(without_gil([&] { return self.index->ids(); })); })
        .def("_next_id", [](const Handle& self) { return without_gil([&] { return self.index->next_id(); }); })
        .def("_options", [](const Handle& self) { return as_dict(self.index->options()); })
        .def("_memory", [](const Handle& self) { return as_dict(self.index->memory()); })
        .def("_graph_shape",
             [](const Handle& self) { return as_dict(without_gil([&] { return self.index->graph_shape(); })); })
        .def("_is_mapped", [](const Handle& self) { return self.index->is_mapped(); })
        .def("_health", &health)
        .def("_repair", &repair)
        .def("_save", &save, "path"_a)
        .def("_to_bytes", &to_bytes);
}

}  // namespace vicinal::binding

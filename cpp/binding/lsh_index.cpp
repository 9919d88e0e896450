// _core.LshIndex, as vicinal.lsh.LSHIndex uses it.
#include "index/lsh_index.hpp"

#include <array>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.hpp"
#include "base/team.hpp"
#include "binding/bytes.hpp"
#include "binding/lsh.hpp"
#include "binding/lsh_items.hpp"
#include "binding/python_watch.hpp"
#include "binding/rows.hpp"

namespace vicinal::binding {
namespace {

using Ids = py::array_t<std::int64_t, py::array::c_style>;

py::array_t<std::int64_t> as_array(const std::vector<std::int64_t>& numbers) {
    return py::array_t<std::int64_t>(static_cast<py::ssize_t>(numbers.size()), numbers.data());
}

std::span<const std::int64_t> numbers_of(const Ids& ids) { return {ids.data(), static_cast<std::size_t>(ids.size())}; }

py::dict as_dict(const Overflow& overflow) {
    return py::dict("full_buckets"_a = overflow.full_buckets, "largest_bucket"_a = overflow.largest_bucket,
                    "hidden"_a = overflow.hidden, "lost_at_most"_a = overflow.lost_at_most);
}

}  // namespace

struct LshHandle {
    static constexpr const char* kCalled = "LshIndex";
    std::unique_ptr<LshIndex> index;
};

}  // namespace vicinal::binding

namespace pybind11::detail {

template <>
struct type_caster<vicinal::binding::LshHandle> : lsh_caster<vicinal::binding::LshHandle> {};

}  // namespace pybind11::detail

namespace vicinal::binding {
namespace {

LshHandle make(const FamilyHandle& family, std::size_t bands, std::size_t rows, std::size_t cap, bool keep,
               std::uint32_t shingle) {
    return {std::make_unique<LshIndex>(LshSettings{family.family->settings(), {bands, rows}, cap, keep, shingle})};
}

// (ids, what went beyond the cap)
py::tuple add(LshHandle& self, const py::object& given, const Ids& ids, std::size_t threads, py::object progress) {
    const HeldItems held = items_from(given, self.index->family());
    PythonWatch watch(std::move(progress));
    Overflow overflow;
    const std::vector<std::int64_t> added = watched(watch, [&](Watch& core) {
        return self.index->add(held.items, numbers_of(ids), resolve_threads(threads), core, overflow);
    });
    return py::make_tuple(as_array(added), as_dict(overflow));
}

void remove(LshHandle& self, const Ids& ids, std::size_t threads) {
    PythonWatch watch(py::none{});
    watched(watch, [&](Watch& core) { self.index->remove(numbers_of(ids), resolve_threads(threads), core); });
    watch.throw_error();
}

py::dict as_dict(const std::vector<LshWork>& work) {
    const auto column = [&](std::int64_t LshWork::* field) {
        py::array_t<std::int64_t> values(static_cast<py::ssize_t>(work.size()));
        for (std::size_t i = 0; i < work.size(); ++i) values.mutable_data()[i] = work[i].*field;
        return values;
    };
    return py::dict("buckets"_a = column(&LshWork::buckets), "candidates"_a = column(&LshWork::candidates),
                    "estimates"_a = column(&LshWork::estimates), "distances"_a = column(&LshWork::distances));
}

py::tuple search(const LshHandle& self, const py::object& queries, std::size_t k, std::size_t probes, std::size_t most,
                 std::size_t rerank, std::size_t threads, bool stats) {
    const HeldItems held = items_from(queries, self.index->family());
    FoundArrays arrays(held.items.n, k);
    std::vector<LshWork> work(stats ? held.items.n : 0);
    const LshFound found{span_of(arrays.ids), span_of(arrays.distances), work};
    PythonWatch watch(py::none{});
    watched(watch, [&](Watch& core) {
        self.index->search(held.items, {k, probes, most, rerank}, resolve_threads(threads), found, core);
    });
    watch.throw_error();
    return py::make_tuple(arrays.ids, arrays.distances, stats ? py::object(as_dict(work)) : py::none{});
}

// (lims, ids)
py::tuple candidates(const LshHandle& self, const py::object& queries, std::size_t probes, std::size_t most,
                     std::size_t threads) {
    const HeldItems held = items_from(queries, self.index->family());
    PythonWatch watch(py::none{});
    const LshCandidates found = watched(watch, [&](Watch& core) {
        return self.index->candidates(held.items, {1, probes, most, 0}, resolve_threads(threads), core);
    });
    watch.throw_error();
    return py::make_tuple(as_array(found.lims), as_array(found.ids));
}

py::dict shape(const LshHandle& self, std::size_t threads) {
    PythonWatch watch(py::none{});
    const BucketShape found =
        watched(watch, [&](Watch& core) { return self.index->shape(resolve_threads(threads), core); });
    watch.throw_error();
    py::list by_size;
    for (const std::uint64_t count : found.by_size) by_size.append(count);
    return py::dict("buckets"_a = found.buckets, "by_size"_a = by_size, "overflow"_a = as_dict(found.overflow));
}

py::dict memory(const LshHandle& self) {
    const LshMemory found = self.index->memory();
    return py::dict("items"_a = found.items, "sketches"_a = found.sketches, "buckets"_a = found.buckets,
                    "ids"_a = found.ids, "family"_a = found.family);
}

py::dict settings(const LshHandle& self) {
    constexpr std::array names{"simhash", "pstable", "crosspolytope", "minhash", "bitsample"};
    const LshSettings& found = self.index->settings();
    const FamilySettings& family = found.family;
    return py::dict(
        "family"_a = names[static_cast<std::size_t>(family.name)], "dim"_a = family.dim, "hashes"_a = family.hashes,
        "seed"_a = family.seed, "width"_a = family.width, "weighted"_a = family.weighted,
        "center"_a = py::array_t<float>(static_cast<py::ssize_t>(family.center.size()), family.center.data()),
        "axes"_a = py::array_t<float>(static_cast<py::ssize_t>(family.axes.size()), family.axes.data()),
        "bands"_a = found.bands.bands, "rows"_a = found.bands.rows, "cap"_a = found.cap, "keep"_a = found.keep,
        "shingle"_a = found.shingle);
}

void save(const LshHandle& self, const std::string& path) {
    PythonWatch watch(py::none{});
    watched(watch, [&](Watch& core) { self.index->save(path, core); });
    watch.throw_error();
}

py::bytes to_bytes(const LshHandle& self) {
    PythonWatch watch(py::none{});
    const std::vector<std::byte> bytes = watched(watch, [&](Watch& core) { return self.index->to_bytes(core); });
    watch.throw_error();
    return python_bytes(bytes);
}

LshHandle from_bytes(const py::buffer& buffer) {
    const py::buffer_info info = buffer.request();
    const std::span<const std::byte> bytes = bytes_of(info);
    PythonWatch watch(py::none{});
    LshHandle loaded{watched(watch, [&](Watch& core) { return LshIndex::from_bytes(bytes, core); })};
    watch.throw_error();
    return loaded;
}

LshHandle load(const std::string& path) {
    PythonWatch watch(py::none{});
    LshHandle loaded{watched(watch, [&](Watch& core) { return LshIndex::load(path, core); })};
    watch.throw_error();
    return loaded;
}

}  // namespace

void bind_lsh_index(py::module_& module) {
    py::class_<LshHandle>(module, "LshIndex")
        .def(py::init(&make), "family"_a, "bands"_a, "rows"_a, "cap"_a, "keep"_a, "shingle"_a)
        .def("__len__", [](const LshHandle& self) { return self.index->size(); })
        .def(
            "_contains", [](const LshHandle& self, std::int64_t number) { return self.index->contains(number); },
            "number"_a)
        .def("_ids", [](const LshHandle& self) { return as_array(self.index->ids()); })
        .def("_add", &add, "items"_a, "ids"_a, "threads"_a, "progress"_a)
        .def("_remove", &remove, "ids"_a, "threads"_a)
        .def("_search", &search, "queries"_a, "k"_a, "probes"_a, "most"_a, "rerank"_a, "threads"_a, "stats"_a)
        .def("_candidates", &candidates, "queries"_a, "probes"_a, "most"_a, "threads"_a)
        .def("_shape", &shape, "threads"_a)
        .def("_memory", &memory)
        .def("_settings", &settings)
        .def("_save", &save, "path"_a)
        .def("_to_bytes", &to_bytes);
    module.def("load_lsh", &load, "path"_a);
    module.def("lsh_from_bytes", &from_bytes, "data"_a);
}

}  // namespace vicinal::binding

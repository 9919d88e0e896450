#include "binding/lsh.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.hpp"
#include "base/team.hpp"
#include "binding/lsh_items.hpp"
#include "binding/python_watch.hpp"
#include "hash/pair_join.hpp"

namespace vicinal::binding {
namespace {

using Numbers = py::array_t<std::int64_t>;
using Tokens = py::array_t<Token>;

std::string_view bytes_of(const py::handle& text) {
    if (PyBytes_Check(text.ptr()))
        return {PyBytes_AS_STRING(text.ptr()), static_cast<std::size_t>(PyBytes_GET_SIZE(text.ptr()))};
    Py_ssize_t size = 0;
    const char* data = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
    if (data == nullptr) throw py::error_already_set();
    return {data, static_cast<std::size_t>(size)};
}

py::tuple as_arrays(const std::vector<std::int64_t>& offsets, const std::vector<Token>& tokens) {
    return py::make_tuple(Numbers(static_cast<py::ssize_t>(offsets.size()), offsets.data()),
                          Tokens(static_cast<py::ssize_t>(tokens.size()), tokens.data()));
}

// A list of str or bytes -> (offsets, tokens).
py::tuple sets_of_texts(const py::list& texts, std::size_t characters) {
    std::vector<std::int64_t> offsets{0};
    std::vector<Token> tokens;
    for (const py::handle text : texts) {
        const std::size_t first = tokens.size();
        append_tokens(bytes_of(text), {characters}, tokens);
        make_set(tokens, first);
        offsets.push_back(static_cast<std::int64_t>(tokens.size()));
    }
    return as_arrays(offsets, tokens);
}

Token token_of_object(const py::handle& token) {
    if (PyUnicode_Check(token.ptr()) || PyBytes_Check(token.ptr())) return token_of(bytes_of(token));
    return token_of(token.cast<std::int64_t>());
}

// A list of lists of str, bytes or int -> (offsets, tokens).
py::tuple sets_of_tokens(const py::list& items) {
    std::vector<std::int64_t> offsets{0};
    std::vector<Token> tokens;
    for (const py::handle item : items) {
        const std::size_t first = tokens.size();
        for (const py::handle token : py::cast<py::iterable>(item)) tokens.push_back(token_of_object(token));
        make_set(tokens, first);
        offsets.push_back(static_cast<std::int64_t>(tokens.size()));
    }
    return as_arrays(offsets, tokens);
}

// A list of dicts from token to weight -> (offsets, tokens, weights).
py::tuple weighted_sets(const py::list& items) {
    std::vector<std::int64_t> offsets{0};
    std::vector<Token> tokens;
    std::vector<float> weights;
    std::vector<std::pair<Token, float>> one;
    for (const py::handle item : items) {
        one.clear();
        for (const auto& [token, weight] : py::cast<py::dict>(item))
            one.emplace_back(token_of_object(token), weight.cast<float>());
        std::sort(one.begin(), one.end());
        for (const auto& [token, weight] : one) {
            tokens.push_back(token);
            weights.push_back(weight);
        }
        offsets.push_back(static_cast<std::int64_t>(tokens.size()));
    }
    return py::make_tuple(Numbers(static_cast<py::ssize_t>(offsets.size()), offsets.data()),
                          Tokens(static_cast<py::ssize_t>(tokens.size()), tokens.data()),
                          py::array_t<float>(static_cast<py::ssize_t>(weights.size()), weights.data()));
}

}  // namespace

// A join under way: hands out its pairs in chunks.
class JoinHandle {
public:
    static constexpr const char* kCalled = "PairJoin";

    JoinHandle(const FamilyHandle& family, const std::pair<std::size_t, std::size_t>& bands, const py::object& left,
               const py::object& right, const JoinSettings& settings)
        : left_(items_from(left, *family.family)), join_([&] {
              if (!right.is_none()) right_.emplace(items_from(right, *family.family));
              return std::make_unique<PairJoin>(family.family, Bands{bands.first, bands.second}, left_.items,
                                                right_ ? &right_->items : nullptr, settings);
          }()) {}

    // (pairs, scores, whether there may be more)
    py::tuple next(std::size_t enough, py::object progress) {
        PythonWatch watch(std::move(progress));
        std::vector<FoundPair> found;
        const bool more = watched(watch, [&](Watch& core) {
            if (!prepared_ && !join_->prepare(core)) return false;
            prepared_ = true;
            return join_->next(enough, found, core);
        });
        watch.throw_error();
        const auto n = static_cast<py::ssize_t>(found.size());
        Numbers pairs({n, py::ssize_t{2}});
        py::array_t<double> scores(n);
        std::int64_t* sides = pairs.mutable_data();
        double* score = scores.mutable_data();
        for (const FoundPair& pair : found) {
            *sides++ = pair.left;
            *sides++ = pair.right;
            *score++ = pair.score;
        }
        return py::make_tuple(pairs, scores, more);
    }

    py::dict report() const {
        const JoinReport& report = join_->report();
        py::dict facts;
        facts["candidates"] = report.candidates;
        facts["full_buckets"] = report.full_buckets;
        facts["largest_bucket"] = report.largest_bucket;
        facts["lost_at_most"] = report.lost_at_most;
        return facts;
    }

private:
    HeldItems left_;
    std::optional<HeldItems> right_;
    std::unique_ptr<PairJoin> join_;
    bool prepared_ = false;
};

}  // namespace vicinal::binding

// As for an Index: no method runs on an object whose __init__ Python did not call.
namespace pybind11::detail {

template <>
struct type_caster<vicinal::binding::JoinHandle> : lsh_caster<vicinal::binding::JoinHandle> {};

}  // namespace pybind11::detail

namespace vicinal::binding {
namespace {

FamilyHandle make_handle(const std::string& name, std::size_t dim, std::size_t hashes, std::uint64_t seed, double width,
                         bool weighted, const py::array_t<float>& center, const py::array_t<float>& axes) {
    constexpr std::array names{"simhash", "pstable", "crosspolytope", "minhash", "bitsample"};
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) throw InvalidArgumentError("family is \"" + name + "\"");
    const FamilySettings settings{static_cast<FamilyName>(found - names.begin()),
                                  dim,
                                  hashes,
                                  seed,
                                  width,
                                  weighted,
                                  std::vector<float>(center.data(), center.data() + center.size()),
                                  std::vector<float>(axes.data(), axes.data() + axes.size())};
    check(settings);
    return {make_family(settings)};
}

py::array_t<std::uint32_t> hash_all(const FamilyHandle& self, const py::object& given, std::size_t threads) {
    const HeldItems held = items_from(given, *self.family);
    const std::size_t width = self.family->hashes();
    py::array_t<std::uint32_t> values({static_cast<py::ssize_t>(held.items.n), static_cast<py::ssize_t>(width)});
    std::uint32_t* out = values.mutable_data();
    PythonWatch watch{py::none()};
    watched(watch, [&](Watch& core) {
        Team team(resolve_threads(threads));
        std::vector<Family::Scratch> scratch(team.size());
        team.run(held.items.n, 64, core, [&](std::size_t member, std::size_t first, std::size_t last) {
            for (std::size_t i = first; i < last; ++i)
                self.family->hash(held.items, i, out + i * width, nullptr, scratch[member]);
        });
    });
    watch.throw_error();
    return values;
}

}  // namespace

void bind_lsh(py::module_& module) {
    module.def("sets_of_texts", &sets_of_texts, "texts"_a, "characters"_a);
    module.def("sets_of_tokens", &sets_of_tokens, "items"_a);
    module.def("weighted_sets", &weighted_sets, "items"_a);
    py::class_<FamilyHandle>(module, "HashFamily")
        .def(py::init(&make_handle), "name"_a, "dim"_a, "hashes"_a, "seed"_a, "width"_a, "weighted"_a, "center"_a,
             "axes"_a)
        .def("_hash", &hash_all, "items"_a, "threads"_a);
    py::class_<JoinHandle>(module, "PairJoin")
        .def(py::init([](const FamilyHandle& family, std::size_t bands, std::size_t rows, const py::object& left,
                         const py::object& right, double threshold, bool verify, std::size_t cap, std::size_t threads) {
                 return std::make_unique<JoinHandle>(family, std::pair{bands, rows}, left, right,
                                                     JoinSettings{threshold, verify, cap, resolve_threads(threads)});
             }),
             "family"_a, "bands"_a, "rows"_a, "left"_a, "right"_a, "threshold"_a, "verify"_a, "cap"_a, "threads"_a)
        .def("_next", &JoinHandle::next, "enough"_a, "progress"_a)
        .def("_report", &JoinHandle::report);
    bind_lsh_index(module);
}

}  // namespace vicinal::binding

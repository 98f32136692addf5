// The tables that come with adaq, and how a table is rendered.
#include <doctest/doctest.h>

#include "engine/error.h"
#include "support/markup_check.h"
#include "support/places.h"
#include "tools/sweep/cells.h"
#include "tools/sweep/option_words.h"
#include "tools/sweep/sweep_view.h"

using namespace adaq;
using adaq::test::markup_problem;
using adaq::test::occurrences;

namespace {

std::string table_path(const std::string& name) { return adaq::test::source_folder() + "/tables/" + name + ".json"; }

SweepOptions with_data() {
    SweepOptions options;
    options.passed_on = {{"--weights", "r18.bin"}, {"--calib", "calib"}, {"--val", "val"}};
    return options;
}

int published_numbers(const Table& table) {
    int count = 0;
    for (const TableRow& row : table.rows)
        for (const PublishedNumber& number : row.published) count += !number.top1.empty();
    return count;
}

struct Shipped {
    std::string name;
    size_t cells;
    int published;
};
const Shipped kTables[] = {{"schemes", 56, 56}, {"adaround", 34, 34}, {"brecq", 15, 15}, {"pdquant", 25, 10}};

/// Two rows and two columns: a finished cell, a failed one, one that waits and one that is not there.
SweepView sample() {
    SweepView view;
    view.table.title = "A <b> & c";
    view.table.published_from = "the paper";
    view.table.columns = {{"one", {}}, {"t|wo", {}}};
    view.table.rows = {{"first", 1, {}, {{"70.70", 12.0, "a note"}, {}}, {true, true}},
                       {"second", 2, {}, {{}, {}}, {true, false}}};
    view.cells.resize(4);
    view.cells[0].state = CellView::State::done;
    view.cells[0].result = {"W4A4", 200, 100, 150, 120, 3.5};
    view.cells[1].state = CellView::State::failed;
    view.cells[1].reason = "no <memory>\nat all";
    view.cells[2].state = CellView::State::waiting;
    view.command = "adaq-sweep t.json";
    view.adaq_version = "0";
    return view;
}

}  // namespace

TEST_SUITE("sweep tables") {
    TEST_CASE("the tables that come with adaq have every published number, and every cell parses") {
        for (const Shipped& shipped : kTables) {
            INFO(shipped.name);
            const Table table = read_table(table_path(shipped.name));
            CHECK(published_numbers(table) == shipped.published);
            CHECK(make_cells(table, with_data()).size() == shipped.cells);
        }
    }

    TEST_CASE("table 1's cells are the runs that they say they are") {
        const Table table = read_table(table_path("schemes"));
        const std::vector<Cell> cells = make_cells(table, with_data());
        const Cell& cell = cells[5 * 4 + 3];
        CHECK(cell.title == "norm p2.4, layer / W4 fold");
        CHECK(table.rows[5].published[3].top1 == "15.144");
        CHECK(cell.run.scheme == "norm");
        CHECK(cell.run.p == 2.4);
        CHECK_FALSE(cell.run.per_channel);
        CHECK(cell.run.fold);
        CHECK(cell.run.weight_bits == 4);
        CHECK(cell.run.activation_bits == 32);
        CHECK(cells[9 * 4].run.p == 2.0);
        CHECK(cells[9 * 4].run.scheme == "norm-legacy");
        CHECK(cells[9 * 4].run.per_channel);
    }

    TEST_CASE("AdaRound's published rows start at nearest, quantise each layer's output, and move batch norms") {
        const std::vector<Cell> cells = make_cells(read_table(table_path("adaround")), with_data());
        for (size_t i = 0; i < 32; ++i) {
            INFO(cells[i].title);
            CHECK(cells[i].run.recipe.learn.start == RoundingStart::nearest);
            CHECK(cells[i].run.sites == ActivationSites::layer);
            CHECK(cells[i].run.recipe.learn.schedule.iterations == 20000);
            CHECK(cells[i].run.calib_augment);
            CHECK(cells[i].run.fold == (i % 2 == 1));
            CHECK(cells[i].run.recipe.learn.norms == (i % 2 == 1 ? NormStatistics::fixed : NormStatistics::batch));
            CHECK(cells[i].run.recipe.learn.schedule.rounding_rate == (i < 16 ? 1e-2 : 1e-3));
        }
        CHECK(cells[32].run.recipe.learn.start == RoundingStart::fraction);
    }

    TEST_CASE("options are taken apart as a shell does, and a later one takes an earlier one's place") {
        const auto options = split_options("--w4  --save 'a b.bin' --iters=3 --x \"\"");
        REQUIRE(options.size() == 4);
        CHECK(options[1] == OptionWords{"--save", "a b.bin"});
        CHECK(options[3] == OptionWords{"--x", ""});
        CHECK(split_options(joined(options)) == options);
        CHECK(joined(replaced(options, split_options("--w 3 --iters 9"))) == "--save 'a b.bin' --x '' --w 3 --iters 9");
        CHECK(joined(replaced(split_options("--a32 --act-scheme lp"), split_options("--a4"))) ==
              "--act-scheme lp --a4");
        CHECK(joined(replaced(split_options("--fold --w4"), split_options("--no-fold"))) == "--w4 --no-fold");
        CHECK_THROWS_AS(split_options("--save 'a"), UsageError);
        CHECK_THROWS_AS(split_options("--w4 --w8"), UsageError);
    }

    TEST_CASE("Markdown is aligned, and marks what is published, failed, missing and not there") {
        CHECK(render_markdown(sample()) == R"(# A <b> & c

1 of 3 cells done, 1 failed. Top-1 in percent of 200 images, with 95 % Wilson intervals; the float network: 60.00 [53.08, 66.54].

| top-1, % |                  one | ImageNet* |  t\|wo |
| -------- | -------------------: | --------: | -----: |
| first    | 50.00 [43.14, 56.86] |     70.70 | failed |
| second   |              not yet |           |        |

*ImageNet: the published numbers, which are from ImageNet and not from these images: the paper.

- first / one, 70.70: a note

Failed:

- first / t|wo: no <memory>?at all

| seconds |      one | t\|wo |
| ------- | -------: | ----: |
| first   | 3.5 / 12 |       |
| second  |          |       |

- Command: `adaq-sweep t.json`
)");
    }

    TEST_CASE("the page is whole, escapes foreign text, and has every cell") {
        const std::string page = render_sweep_html(sample());
        CHECK(markup_problem(page) == "");
        CHECK(page.find("<b> &") == std::string::npos);
        CHECK(page.find("no &lt;memory&gt;") != std::string::npos);
        CHECK(occurrences(page, "<b>50.00</b>") == 1);
        CHECK(occurrences(page, ">not yet<") == 1);
        CHECK(occurrences(page, "class=\"failed\"") == 1);
    }

    TEST_CASE("on ImageNet's own images the published numbers are simply published") {
        SweepView view = sample();
        view.imagenet = true;
        for (const std::string& text : {render_markdown(view), render_sweep_html(view)}) {
            CHECK(text.find("ImageNet*") == std::string::npos);
            CHECK(text.find("Published: the paper.") != std::string::npos);
        }
    }
}

// The tables that come with adaq, and how a table is rendered.
#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <ctime>
#include <fstream>
#include <functional>
#include <set>

#include "adaq/settings/settings.h"
#include "engine/error.h"
#include "support/markup_check.h"
#include "support/places.h"
#include "support/sanitizer.h"
#include "support/temporary_folder.h"
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
const Shipped kTables[] = {
    {"schemes", 56, 56}, {"adaround", 34, 34}, {"brecq", 15, 15}, {"pdquant", 25, 10}, {"networks", 36, 36}};

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
        CHECK(cell.run.quantise.scheme == "norm");
        CHECK(cell.run.quantise.p == 2.4);
        CHECK(cell.run.quantise.granularity == "layer");
        CHECK(cell.run.quantise.fold == true);
        CHECK(cell.run.quantise.weight_bits == 4);
        CHECK(cell.run.quantise.activation_bits == 32);
        const Cell& tenth_row = cells[36];  // of four cells each
        CHECK(tenth_row.run.quantise.p == 2.0);
        CHECK(tenth_row.run.quantise.scheme == "norm-legacy");
        CHECK(tenth_row.run.quantise.granularity == "channel");
    }

    TEST_CASE("AdaRound's published rows start at nearest, quantise each layer's output, and move batch norms") {
        const std::vector<Cell> cells = make_cells(read_table(table_path("adaround")), with_data());
        for (size_t i = 0; i < 32; ++i) {
            INFO(cells[i].title);
            const Settings settings = settings_of(cells[i].run.quantise);
            const UnitOptions& learn = settings.recipe.learn;
            CHECK(learn.start == RoundingStart::nearest);
            CHECK(settings.sites == ActivationSites::layer);
            CHECK(learn.schedule.iterations == 20000);
            CHECK(settings.calib_augment);
            CHECK(settings.fold == (i % 2 == 1));
            CHECK(learn.norms == (i % 2 == 1 ? NormStatistics::fixed : NormStatistics::batch));
            CHECK(learn.schedule.rounding_rate == (i < 16 ? 1e-2 : 1e-3));
        }
        CHECK(settings_of(cells[32].run.quantise).recipe.learn.start == RoundingStart::fraction);
    }

    TEST_CASE("the table of networks has a file of weights for each, and the papers' settings") {
        SweepOptions data = with_data();
        data.passed_on.erase(data.passed_on.begin());  // the weights
        const std::vector<Cell> cells = make_cells(read_table(table_path("networks")), data);
        std::set<std::string> weights;
        for (const Cell& cell : cells) {
            INFO(cell.title);
            weights.insert(cell.run.weights);
            CHECK(cell.run.quantise.head_stem_8bit);
            const UnitOptions& learn = settings_of(cell.run.quantise).recipe.learn;
            CHECK(learn.schedule.iterations == 20000);
            CHECK(cell.run.quantise.method == (cell.title.find("PD-Quant") == std::string::npos ? "qdrop" : "pdquant"));
        }
        CHECK(weights.size() == 6);
        CHECK(cells[0].title == "ResNet-18, QDrop / W4A4");
        CHECK(cells[0].run.weights == "resnet18_imagenet.pth.tar");
        CHECK(cells[35].title == "MNASNet, PD-Quant / W2A2");
    }

    TEST_CASE("a table of several networks says how good the float ones are, from the lowest to the highest") {
        SweepView view = sample();
        view.several_networks = true;
        view.cells[1] = view.cells[0];
        view.cells[1].result.float_top1 = 150;
        CHECK(render_markdown(view).find("the float networks: 60.00 to 75.00.") != std::string::npos);
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
        CHECK(render_markdown(sample()) == R"(# A &lt;b&gt; & c

1 of 3 cells done, 1 failed. Top-1 in percent of 200 images, with 95 % Wilson intervals; the float network: 60.00 [53.08, 66.54].

| top-1, % |                  one | ImageNet* |  t\|wo |
| -------- | -------------------: | --------: | -----: |
| first    | 50.00 [43.14, 56.86] |     70.70 | failed |
| second   |              not yet |           |        |

*ImageNet: the published numbers, which are from ImageNet and not from these images: the paper.

- first / one, 70.70: a note

Failed:

- first / t|wo: no &lt;memory&gt;\nat all

| seconds |      one | t\|wo |
| ------- | -------: | ----: |
| first   | 3.5 / 12 |       |
| second  |          |       |

- Command: `adaq-sweep t.json`
)");
    }

    TEST_CASE("foreign text in Markdown is shown as it is: no HTML, emphasis, links, code, lists or headings") {
        SweepView view;
        view.table.columns = {{"a*b_c|d", {}}};
        view.table.rows = {{"x", 1, {}, {{}}, {true}}};
        view.cells.resize(1);
        view.command = "adaq-sweep `date` t.json";
        view.model = "<img src=x onerror=alert(1)> &lt; lr_scale _it_";
        const auto note = [&](const std::string& text) {
            view.table.notes = {text};
            const std::string all = render_markdown(view);
            const size_t at = all.find("\n- ") + 3;
            return all.substr(at, all.find('\n', at) - at);
        };
        CHECK(note("<script>1</script>") == "&lt;script&gt;1&lt;/script&gt;");
        CHECK(note("R&D, AT&T; &amp; &#60; &") == "R&D, AT&amp;T; &amp;amp; &amp;#60; &");
        CHECK(note("*a* **b** _c_ __d__ e_f ~g~") == R"(\*a\* \*\*b\*\* \_c\_ \_\_d\_\_ e_f \~g\~)");
        CHECK(note("![i](u) [l](u) `c` a\\*b C:\\d") == R"(!\[i](u) \[l](u) \`c\` a\\\*b C:\d)");
        CHECK(note("# a") == R"(\# a)");
        CHECK(note("a #") == R"(a \#)");
        CHECK(note("#") == R"(\#)");
        CHECK(note("- a") == R"(\- a)");
        CHECK(note("+ a") == R"(\+ a)");
        CHECK(note("> a") == "&gt; a");
        CHECK(note("12. a") == R"(12\. a)");
        CHECK(note("3) a") == R"(3\) a)");
        CHECK(note("3.5 a-b (c) +1") == R"(3\.5 a-b (c) +1)");
        CHECK(note("     a") == "a");
        CHECK(note("```") == R"(\`\`\`)");
        const std::string all = render_markdown(view);
        CHECK(all.find("| top-1, % | a\\*b_c\\|d |") != std::string::npos);
        CHECK(all.find("- Command: `` adaq-sweep `date` t.json ``") != std::string::npos);
        CHECK(all.find("- Model: &lt;img src=x onerror=alert(1)&gt; &amp;lt; lr_scale \\_it\\_") != std::string::npos);
    }

    TEST_CASE("cells' files have names of their own that are no longer than a file system takes") {
        Table table;
        const std::string long_title(400, 'y');
        for (const std::string& title :
             {long_title + "1", long_title + "2", std::string("plain, old"), std::string("字"), std::string("节"),
              std::string("a b"), std::string("A-B"), std::string("..."), std::string("--"), std::string("ä1"),
              std::string("1"), std::string("row.c")})
            table.rows.push_back({title, 1, {}, {{}, {}, {}}, {true, true, true}});
        table.columns = {{"W4", {}}, {long_title, {}}, {"c.W4", {}}};
        table.rows.push_back({"row", 1, {}, {{}, {}, {}}, {true, true, true}});
        table.options = {"--a32", "options", 1};
        const std::vector<Cell> cells = make_cells(table, with_data());
        std::set<std::string> names;
        for (const Cell& cell : cells) {
            INFO(cell.title << " " << cell.name);
            CHECK(names.insert(cell.name).second);
            CHECK(cell.name.size() <= 170);
            CHECK(cell.name.front() != '.');
            for (const char c : cell.name) CHECK((std::isalnum(static_cast<unsigned char>(c)) || strchr(".-_", c)));
        }
        const auto name_of = [&](const std::string& title) {
            return std::find_if(cells.begin(), cells.end(), [&](const Cell& c) { return c.title == title; })->name;
        };
        CHECK(name_of("plain, old / W4") == "plain-old.w4");  // as it always was
        CHECK(name_of("字 / W4").find("_.w4-") == 0);
        CHECK(name_of("row.c / W4").find("row.c.w4-") == 0);
        // A cell keeps its name whatever stands before or behind it.
        std::reverse(table.rows.begin(), table.rows.end());
        std::set<std::string> again;
        for (const Cell& cell : make_cells(table, with_data())) again.insert(cell.name);
        CHECK(again == names);
    }

    TEST_CASE("reading a table takes time that grows with its length, and what no table needs is refused") {
        const adaq::test::TemporaryFolder folder;
        const auto read = [&](const std::string& text) {
            std::ofstream(folder / "t.json") << text;
            return read_table(folder / "t.json");
        };
        const auto refused = [&](const std::string& text, const std::string& why) {
            CHECK_THROWS_WITH_AS(read(text), doctest::Contains(why.c_str()), DataError);
        };
        const std::string head = R"({"title": "t", "columns": [{"title": "c"}], "rows": [{"title": "r"}], )";
        const auto many = [](const std::string& first, int count, const std::function<std::string(int)>& item) {
            std::string text = first;
            for (int i = 0; i < count; ++i) text += (i > 0 ? ",\n" : "") + item(i);
            return text;
        };
        const std::clock_t start = std::clock();
        // Half a megabyte each: lines, keys, rows, columns that rows name, options.
        CHECK(read(many(head + "\"notes\": [", 130000, [](int) { return "\"\""; }) + "]}").notes.size() == 130000);
        refused(many("{", 40000, [](int i) { return "\"k" + std::to_string(i) + "\": 1"; }) + "}",
                "unknown key \"k0\"");
        refused(many(R"({"title": "t", "columns": [{"title": "c"}], "rows": [)", 25000,
                     [](int i) { return R"({"title": "r)" + std::to_string(i) + "\"}"; }) +
                    "]}",
                "25000 rows of 1 columns, expected 2000 cells at most");
        CHECK(read(many(R"({"title": "t", "columns": [{"title": "c"}], "rows": [{"title": "r", "columns": [)", 120000,
                        [](int) { return "\"c\""; }) +
                   "]}]}")
                  .rows[0]
                  .has[0]);
        refused(std::string(450000, '['), "nested more than 32 deep");
        refused("{\"" + std::string(500000, 'k') + "\": 1}", "unknown key \"kkk");
        refused("{\"" + std::string(500000, 'k') + "\" 1}", "line 1, column ");
        CHECK(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC < test::kSlowness * 4.0);
        refused(std::string((4 << 20) + 1, ' '), "4194305 bytes, expected at most 4194304");
        std::string options;
        for (int i = 0; i < 300; ++i) options += "--x" + std::to_string(i) + " ";
        CHECK_THROWS_WITH_AS(split_options(options), "more than 256 options", UsageError);
    }

    TEST_CASE("what a table has wrong is told in a line that can be read") {
        const adaq::test::TemporaryFolder folder;
        const std::string long_key = "\"" + std::string(100000, 'k') + "\"";
        for (const std::string& text :
             {"{" + long_key + ": 1}", "{" + long_key + ": 1, " + long_key + ": 1}",
              R"({"title": "t", "title": "t")" + std::string(100000, ' ') + "}",
              std::string(R"({"a\nb\u001b[31m": 1})"), "{\"title\" : " + std::string(100000, '7') + "x}"}) {
            std::ofstream(folder / "t.json") << text;
            try {
                read_table(folder / "t.json");
                FAIL("was read");
            } catch (const DataError& error) {
                const std::string what = error.what();
                CHECK(what.size() < 600);
                CHECK(std::none_of(what.begin(), what.end(), [](char c) { return c >= 0 && c < ' '; }));
            }
        }
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

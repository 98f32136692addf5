// Names what is on a photograph: classify q.bin photograph.jpg
#include <adaq/session.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <numeric>

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: classify MODEL PHOTOGRAPH\n";
        return 2;
    }
    try {
        const adaq::Session session = adaq::load_session(argv[1]);
        std::vector<float> logits(session.classes());
        session.run(session.read_image(argv[2]), logits);

        std::vector<size_t> best(logits.size());
        std::iota(best.begin(), best.end(), 0);
        std::stable_sort(best.begin(), best.end(), [&](size_t a, size_t b) { return logits[a] > logits[b]; });
        double sum = 0.0;
        for (float logit : logits) sum += std::exp(double{logit} - logits[best[0]]);
        for (size_t i = 0; i < std::min<size_t>(3, best.size()); ++i) {
            const double share = std::exp(double{logits[best[i]]} - logits[best[0]]) / sum;
            const bool named = !session.class_names().empty();
            std::cout << (named ? session.class_names()[best[i]] : std::to_string(best[i])) << "  " << share << "\n";
        }
    } catch (const adaq::Error& error) {
        std::cerr << error.what() << "\n";
        return 1;
    }
}

/* Runs a network on an image from C: run_from_c MODEL IMAGE [HEIGHT WIDTH] */
#include <adaq/c.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
    char why[256] = "";
    adaq_session_options options = {0};
    if (argc != 3 && argc != 5) return 2;
    if (argc == 5) {
        options.height = atoi(argv[3]);
        options.width = atoi(argv[4]);
    }
    adaq_session* session = adaq_session_load(argv[1], &options, why, sizeof why);
    if (!session) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    fprintf(stderr, "adaq %s, %s, %lld bytes of weights\n", adaq_version(),
            adaq_session_integer(session) ? "in integers" : "in float32",
            (long long)adaq_session_memory(session).weights);
    const int32_t classes = adaq_session_classes(session);
    const size_t pixels_of_image =
        (size_t)adaq_session_height(session) * adaq_session_width(session) * adaq_session_channels(session);
    uint8_t* pixels = malloc(pixels_of_image);
    float* logits = malloc(sizeof(float) * classes);
    adaq_status status = adaq_session_read_image(session, argv[2], pixels, why, sizeof why);
    if (status == ADAQ_OK) status = adaq_session_run_pixels(session, pixels, 1, logits, why, sizeof why);
    if (status == ADAQ_OK) {
        int32_t best = 0;
        for (int32_t i = 1; i < classes; ++i)
            if (logits[i] > logits[best]) best = i;
        const char* name = adaq_session_class_name(session, best);
        printf("%d %s\n", best, name ? name : "");
    } else {
        fprintf(stderr, "%s\n", why);
    }
    free(pixels);
    free(logits);
    adaq_session_free(session);
    return status == ADAQ_OK ? 0 : 1;
}

/* adaq's Session for C and for every language that calls C: a network is loaded, and run on images.
 *
 *     char why[256];
 *     adaq_session* session = adaq_session_load("q.bin", NULL, why, sizeof why);
 *     if (!session) fprintf(stderr, "%s\n", why), exit(1);
 *     adaq_session_run_pixels(session, pixels, 1, logits, why, sizeof why);
 *     adaq_session_free(session);
 *
 * A session may be used by many threads at once. adaq/session.h tells the rest.
 *
 * Where something fails, `why` gets a sentence, cut to why_size bytes, its last byte 0; it may be NULL. */
#ifndef ADAQ_C_H
#define ADAQ_C_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct adaq_session adaq_session;

typedef enum adaq_status {
    ADAQ_OK = 0,
    ADAQ_INVALID_OPTION = 1, /* an option, or a size that does not fit the network */
    ADAQ_INVALID_DATA = 2,   /* a file or an image */
    ADAQ_NO_RESOURCES = 3,   /* memory, threads */
    ADAQ_INTERNAL = 4        /* a fault of adaq's */
} adaq_status;

/* Zeros are the defaults. */
typedef struct adaq_session_options {
    const char* device; /* "cpu", "cuda", "reference", "auto"; NULL: "cpu" */
    int32_t threads;    /* that a run may take; 0: one; -1: every core */
    int32_t batch;      /* images computed at a time; 0: one */
    int32_t height;     /* of the input, pixels; 0: as the model says (adaq/session.h) */
    int32_t width;
} adaq_session_options;

/* What a session takes, bytes (adaq/session.h). */
typedef struct adaq_memory {
    int64_t weights; /* once for all runs */
    int64_t maps;    /* of each run that is going on, as is the next */
    int64_t workspace;
} adaq_memory;

/* Of the library, such as "0.2.0". */
const char* adaq_version(void);

/* options: NULL for the defaults. NULL comes back where it fails. */
adaq_session* adaq_session_load(const char* path, const adaq_session_options* options, char* why, size_t why_size);
/* Nothing may be running. NULL is allowed. */
void adaq_session_free(adaq_session* session);

/* 0 where `session` is NULL. */
int32_t adaq_session_classes(const adaq_session* session);
int32_t adaq_session_height(const adaq_session* session);
int32_t adaq_session_width(const adaq_session* session);
int32_t adaq_session_channels(const adaq_session* session);
/* 1: it runs as integers; 0: in float32. */
int32_t adaq_session_integer(const adaq_session* session);
/* All 0 where `session` is NULL. */
adaq_memory adaq_session_memory(const adaq_session* session);
/* UTF-8, as long as the session lives; NULL where the model has no names, or no such class. */
const char* adaq_session_class_name(const adaq_session* session, int32_t index);

/* pixels: [images, height, width, channels], as decoded; logits: [images, classes]. */
adaq_status adaq_session_run_pixels(const adaq_session* session, const uint8_t* pixels, int64_t images, float* logits,
                                    char* why, size_t why_size);
/* input: the same in float32, in the same order (NHWC), normalised already. */
adaq_status adaq_session_run_floats(const adaq_session* session, const float* input, int64_t images, float* logits,
                                    char* why, size_t why_size);
/* An image's file as pixels: room for height * width * channels of them. */
adaq_status adaq_session_read_image(const adaq_session* session, const char* path, uint8_t* pixels, char* why,
                                    size_t why_size);

#ifdef __cplusplus
}
#endif

#endif

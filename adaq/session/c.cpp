// See adaq/c.h. No exception leaves it.
#include "adaq/c.h"

#include <algorithm>
#include <cstring>

#include "adaq/error.h"
#include "adaq/session.h"

struct adaq_session {
    adaq::Session session;
};

namespace {

void tell(const char* sentence, char* why, size_t why_size) {
    if (why == nullptr || why_size == 0) return;
    const size_t length = std::min(std::strlen(sentence), why_size - 1);
    std::copy_n(sentence, length, why);
    why[length] = '\0';
}

adaq_status status_of(adaq::ErrorCode code) {
    switch (code) {
        case adaq::ErrorCode::invalid_option:
            return ADAQ_INVALID_OPTION;
        case adaq::ErrorCode::invalid_data:
            return ADAQ_INVALID_DATA;
        case adaq::ErrorCode::no_resources:
            return ADAQ_NO_RESOURCES;
        case adaq::ErrorCode::stopped:
            break;
    }
    return ADAQ_INTERNAL;
}

/// What `work` throws as a status and a sentence.
template <typename Work>
adaq_status attempt(char* why, size_t why_size, const Work& work) {
    try {
        work();
        return ADAQ_OK;
    } catch (const adaq::Error& error) {
        tell(error.what(), why, why_size);
        return status_of(error.code());
    } catch (const std::exception& error) {
        tell(error.what(), why, why_size);
    } catch (...) {
        tell("something unknown was thrown", why, why_size);
    }
    return ADAQ_INTERNAL;
}

void expect(bool given, const char* name) {
    if (!given) throw adaq::UsageError(std::string("`") + name + "` is NULL");
}

adaq::SessionOptions options_of(const adaq_session_options* options) {
    adaq::SessionOptions made;
    if (options == nullptr) return made;
    if (options->device != nullptr) made.device = options->device;
    if (options->threads < -1)
        throw adaq::UsageError("`threads` is " + std::to_string(options->threads) +
                               ", expected -1 (every core), 0 (one) or a number of them");
    if (options->threads != 0) made.threads = options->threads == -1 ? 0 : options->threads;
    if (options->batch != 0) made.batch = options->batch;
    made.height = options->height;
    made.width = options->width;
    return made;
}

size_t elements(const adaq::Session& session, int64_t images) {
    constexpr int64_t kMostImages = 1 << 24;
    if (images < 0 || images > kMostImages)
        throw adaq::UsageError("`images` is " + std::to_string(images) + ", expected 0 to " +
                               std::to_string(kMostImages));
    return static_cast<size_t>(images) * session.height() * session.width() * session.channels();
}

/// Of a session; 0 where there is none.
int32_t number(const adaq_session* session, int (adaq::Session::*of)() const) {
    return session == nullptr ? 0 : (session->session.*of)();
}

template <typename T>
adaq_status run(const adaq_session* session, const T* input, const char* name, int64_t images, float* logits, char* why,
                size_t why_size) {
    return attempt(why, why_size, [&] {
        expect(session != nullptr, "session");
        expect(input != nullptr || images == 0, name);
        expect(logits != nullptr || images == 0, "logits");
        const adaq::Session& runs = session->session;
        const std::span<const T> all(input, elements(runs, images));
        runs.run(all, std::span(logits, static_cast<size_t>(images) * runs.classes()));
    });
}

}  // namespace

const char* adaq_version(void) { return ADAQ_VERSION; }

adaq_session* adaq_session_load(const char* path, const adaq_session_options* options, char* why, size_t why_size) {
    adaq_session* made = nullptr;
    attempt(why, why_size, [&] {
        expect(path != nullptr, "path");
        made = new adaq_session{adaq::load_session(path, options_of(options))};
    });
    return made;
}

void adaq_session_free(adaq_session* session) { delete session; }

int32_t adaq_session_classes(const adaq_session* session) { return number(session, &adaq::Session::classes); }
int32_t adaq_session_height(const adaq_session* session) { return number(session, &adaq::Session::height); }
int32_t adaq_session_width(const adaq_session* session) { return number(session, &adaq::Session::width); }
int32_t adaq_session_channels(const adaq_session* session) { return number(session, &adaq::Session::channels); }

int32_t adaq_session_integer(const adaq_session* session) {
    return session != nullptr && session->session.integer() ? 1 : 0;
}

adaq_memory adaq_session_memory(const adaq_session* session) {
    if (session == nullptr) return {};
    const adaq::SessionMemory memory = session->session.memory();
    return {memory.weights, memory.maps, memory.workspace};
}

const char* adaq_session_class_name(const adaq_session* session, int32_t index) {
    if (session == nullptr) return nullptr;
    const auto& names = session->session.class_names();
    return index >= 0 && static_cast<size_t>(index) < names.size() ? names[index].c_str() : nullptr;
}

adaq_status adaq_session_run_pixels(const adaq_session* session, const uint8_t* pixels, int64_t images, float* logits,
                                    char* why, size_t why_size) {
    return run(session, pixels, "pixels", images, logits, why, why_size);
}

adaq_status adaq_session_run_floats(const adaq_session* session, const float* input, int64_t images, float* logits,
                                    char* why, size_t why_size) {
    return run(session, input, "input", images, logits, why, why_size);
}

adaq_status adaq_session_read_image(const adaq_session* session, const char* path, uint8_t* pixels, char* why,
                                    size_t why_size) {
    return attempt(why, why_size, [&] {
        expect(session != nullptr, "session");
        expect(path != nullptr, "path");
        expect(pixels != nullptr, "pixels");
        const std::vector<uint8_t> read = session->session.read_image(path);
        std::copy(read.begin(), read.end(), pixels);
    });
}

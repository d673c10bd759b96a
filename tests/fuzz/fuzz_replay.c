/* fuzz_replay: runs a fuzz target over files and folders instead of a fuzzer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

/* One file; its bytes lie in a block of exactly their size, so that tools see reads past the end. */
static bool run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return false;
    }
    (void)fseek(file, 0, SEEK_END);
    const long size = ftell(file);
    (void)fseek(file, 0, SEEK_SET);
    u8 *data = malloc(size > 0 ? (size_t)size : 1);
    const bool is_read =
        data != NULL && size >= 0 && fread(data, 1, (size_t)size, file) == (size_t)size;
    (void)fclose(file);
    if (is_read)
        (void)LLVMFuzzerTestOneInput(data, (size_t)size);
    else
        (void)fprintf(stderr, "%s: cannot be read\n", path);
    free(data);
    return is_read;
}

static bool run_folder(const char *path, u32 *count)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        perror(path);
        return false;
    }
    bool is_good = true;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char name[1024];
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        is_good = run_file(name) && is_good;
        (*count)++;
    }
    (void)closedir(folder);
    return is_good;
}

int main(int argc, char **argv)
{
    u32 count = 0;
    bool is_good = true;
    for (int i = 1; i < argc; i++) {
        struct stat facts;
        if (stat(argv[i], &facts) == 0 && S_ISDIR(facts.st_mode)) {
            is_good = run_folder(argv[i], &count) && is_good;
        } else {
            is_good = run_file(argv[i]) && is_good;
            count++;
        }
    }
    const char *name = strrchr(argv[0], '/');
    (void)printf("%s: %u inputs\n", name == NULL ? argv[0] : name + 1, count);
    /* A corpus that is not there proves nothing. */
    return is_good && count > 0 ? 0 : 1;
}

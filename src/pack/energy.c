#include "pack/energy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Estimates ------------------------------------------------------------------------------------ */

/* Picojoules; lop_energy_estimate says where they are from. */
static const double int8_product_pj = 0.2, float_product_pj = 3.7, word_read_pj = 5;

const char *lop_energy_source(void)
{
    return "estimate: 45 nm, 0.2 pJ an int8 and 3.7 pJ a float32 product, 5 pJ for four bytes from "
           "on-chip memory (Horowitz, ISSCC 2014; Han et al. 2015)";
}

void lop_energy_estimate(const lop_plan *plan, lop_energy *out)
{
    lop_plan_facts facts;
    lop_energy e = {0};
    lop_plan_facts_get(plan, &facts);
    for (size_t l = 0; l < facts.layers; l++) {
        lop_plan_choice choice;
        if (lop_plan_choice_get(plan, 0, l, &choice, NULL) != LOP_OK)
            continue;
        e.products += (double)choice.products;
        e.weight_bytes += (double)choice.chosen.bytes;
    }
    double product_pj = facts.precision == LOP_RUN_INT8 ? int8_product_pj : float_product_pj;
    e.microjoules = 1e-6 * (e.products * product_pj + e.weight_bytes / 4 * word_read_pj);
    *out = e;
}

/* Counters ------------------------------------------------------------------------------------- */

enum { MOST_ZONES = 64 };

/* The first line of a zone's file. */
static bool read_line(const char *directory, size_t zone, const char *name, char line[32])
{
    char path[512];
    int length = snprintf(path, sizeof path, "%s/intel-rapl:%zu/%s", directory, zone, name);
    FILE *file = length > 0 && (size_t)length < sizeof path ? fopen(path, "re") : NULL;
    bool read = file && fgets(line, 32, file);
    if (file)
        fclose(file);
    return read;
}

/* A file that holds a number and nothing else. */
static bool read_number(const char *directory, size_t zone, const char *name, uint64_t *out)
{
    char line[32], *end = line;
    if (read_line(directory, zone, name, line))
        *out = strtoull(line, &end, 10);
    return end != line;
}

/* Zones are packages, and here and there the whole machine, which holds the packages again. A sum
 * that lacks one of them is none. */
static void find_packages(lop_energy_meter *meter, const char *directory)
{
    enum { MOST = sizeof meter->package / sizeof *meter->package };
    char line[32];
    for (size_t zone = 0; zone < MOST_ZONES && read_line(directory, zone, "name", line); zone++) {
        uint64_t now = 0, wrap = 0;
        if (strncmp(line, "package-", 8) != 0)
            continue;
        if (meter->packages == MOST || !read_number(directory, zone, "energy_uj", &now)) {
            meter->packages = 0;
            return;
        }
        read_number(directory, zone, "max_energy_range_uj", &wrap);
        meter->package[meter->packages].zone = zone;
        meter->package[meter->packages].last = now;
        meter->package[meter->packages++].wrap = wrap;
    }
}

double lopi_energy_read(lop_energy_meter *meter, const char *directory)
{
    uint64_t now = 0;
    if (!meter->started) {
        meter->started = true;
        find_packages(meter, directory);
        return meter->packages > 0 ? 0 : (double)NAN;
    }
    for (size_t i = 0; i < meter->packages; i++) {
        if (!read_number(directory, meter->package[i].zone, "energy_uj", &now))
            return (double)NAN;
        uint64_t last = meter->package[i].last, wrap = meter->package[i].wrap;
        if (now < last && wrap <= last)
            return (double)NAN; /* it went back, and nobody says how far it counts */
        meter->joules += 1e-6 * (double)(now >= last ? now - last : wrap - last + now);
        meter->package[i].last = now;
    }
    return meter->packages > 0 ? meter->joules : (double)NAN;
}

double lop_energy_read(lop_energy_meter *meter)
{
    return lopi_energy_read(meter, "/sys/class/powercap");
}

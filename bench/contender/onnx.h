/* A network as an ONNX model, in memory. The format is protocol buffers: fields by number, each
 * either a whole number or so many bytes. */
#ifndef CONTENDER_ONNX_H
#define CONTENDER_ONNX_H

#include "contender.h"

/** How the products are written down. */
typedef enum onnx_form {
    ONNX_MATMUL, /* float32: MatMul with the weights in × out, Relu */
    ONNX_GEMM,   /* float32: Gemm with the weights out × in, Relu */
    ONNX_QLINEAR /* int8: QLinearMatMul from bytes to bytes, a scale a unit; relu is the range of
                    the result; DequantizeLinear at the end */
} onnx_form;

typedef struct onnx_bytes {
    uint8_t *data; /* free() */
    size_t size, capacity;
    bool failed; /* out of memory */
} onnx_bytes;

/** Input "x" and output "y" have the fixed batch. LOP_E_MEMORY. */
lop_status onnx_model(onnx_bytes *out, const peer_net *contest, onnx_form form, size_t batch,
                      lop_error *error);

#endif

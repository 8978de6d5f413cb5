// Whether a row's guess is its label. The guess is the first column that holds the row's greatest value, found in the
// same pass as the loss: each of the four components has its own candidate.

struct Greatest {
    value: vec4<f32>,
    column: vec4<f32>,
}

fn greatest_of_none(row: Row) -> Greatest {
    return Greatest(vec4<f32>(LOWEST), vec4<f32>(columns_at(row.lane)));
}

fn greatest_with(found: Greatest, z: vec4<f32>, i: u32) -> Greatest {
    let value = lowest_in_padding(z, i * 4u, p.cols);
    let better = value > found.value;
    return Greatest(
        select(found.value, value, better),
        select(found.column, vec4<f32>(columns_at(i)), better),
    );
}

// 1 if the guess is right, else 0. BINARY: a single column guesses label 1 where it is above THRESHOLD.
fn is_correct(row: Row, found: Greatest) -> f32 {
    if !COUNTS {
        return 0.0;
    }
    let greatest = row_max(max4(found.value), row.invocation);
    let columns = select(vec4<f32>(LOWEST), -found.column, found.value == vec4<f32>(greatest));
    let first = -row_max(max4(columns), row.invocation);
    var correct = first == f32(row.label);
    if BINARY && p.cols == 1u {
        correct = (x[row.start].x > THRESHOLD) == (row.label == 1u);
    }
    return select(0.0, 1.0, correct);
}

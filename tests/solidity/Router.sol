// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IERC20, SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

interface IPoolFactory {
    function getPair(address tokenA, address tokenB) external view returns (address);
    function createPair(address tokenA, address tokenB) external returns (address);
}

interface IPoolOfTwo is IERC20 {
    function getReserves() external view returns (uint112, uint112, uint32);
    function mint(address to) external returns (uint256);
    function burn(address to) external returns (uint256, uint256);
    function swap(uint256 amount0Out, uint256 amount1Out, address to, bytes calldata data) external;
    function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external;
}

interface ICoins is IERC20 {
    function deposit() external payable;
    function withdraw(uint256 wad) external;
}

/// Uniswap V2's second router by its rules, which asks the factory for pools, lets the errors of tokens through, and says with
/// errors instead of words what is wrong. Where there is no pool it says so before anything moves.
contract RouterModel {
    using SafeERC20 for IERC20;

    address public immutable factory;
    address public immutable WETH;

    error Expired();
    error InsufficientAAmount();
    error InsufficientBAmount();
    error InsufficientAmount();
    error InsufficientLiquidity();
    error InsufficientInputAmount();
    error InsufficientOutputAmount();
    error ExcessiveInputAmount();
    error InvalidPath();
    error NoPair(address tokenA, address tokenB);
    error NotWeth();
    error NotTaken(address receiver);

    constructor(address pools, address coins) {
        factory = pools;
        WETH = coins;
    }

    receive() external payable {
        if (msg.sender != WETH) revert NotWeth();
    }

    modifier inTime(uint256 deadline) {
        if (block.timestamp > deadline) revert Expired();
        _;
    }

    // ---- What anybody may ask.

    function quote(uint256 amountA, uint256 reserveA, uint256 reserveB) public pure returns (uint256) {
        if (amountA == 0) revert InsufficientAmount();
        if (reserveA == 0 || reserveB == 0) revert InsufficientLiquidity();
        return amountA * reserveB / reserveA;
    }

    function getAmountOut(uint256 amountIn, uint256 reserveIn, uint256 reserveOut) public pure returns (uint256) {
        if (amountIn == 0) revert InsufficientInputAmount();
        if (reserveIn == 0 || reserveOut == 0) revert InsufficientLiquidity();
        uint256 afterFee = amountIn * 997;
        return afterFee * reserveOut / (reserveIn * 1000 + afterFee);
    }

    function getAmountIn(uint256 amountOut, uint256 reserveIn, uint256 reserveOut) public pure returns (uint256) {
        if (amountOut == 0) revert InsufficientOutputAmount();
        if (reserveIn == 0 || reserveOut <= amountOut) revert InsufficientLiquidity();
        return reserveIn * amountOut * 1000 / ((reserveOut - amountOut) * 997) + 1;
    }

    function getAmountsOut(uint256 amountIn, address[] memory path) public view returns (uint256[] memory amounts) {
        amounts = start(path);
        amounts[0] = amountIn;
        for (uint256 i = 1; i < path.length; i++) {
            (uint256 within, uint256 out) = reserves(pool(path[i - 1], path[i]), path[i - 1], path[i]);
            amounts[i] = getAmountOut(amounts[i - 1], within, out);
        }
    }

    function getAmountsIn(uint256 amountOut, address[] memory path) public view returns (uint256[] memory amounts) {
        amounts = start(path);
        amounts[path.length - 1] = amountOut;
        for (uint256 i = path.length - 1; i > 0; i--) {
            (uint256 within, uint256 out) = reserves(pool(path[i - 1], path[i]), path[i - 1], path[i]);
            amounts[i - 1] = getAmountIn(amounts[i], within, out);
        }
    }

    // ---- Adding.

    function addLiquidity(
        address tokenA,
        address tokenB,
        uint256 amountADesired,
        uint256 amountBDesired,
        uint256 amountAMin,
        uint256 amountBMin,
        address to,
        uint256 deadline
    ) external inTime(deadline) returns (uint256 amountA, uint256 amountB, uint256 liquidity) {
        address at;
        (at, amountA, amountB) = add(tokenA, tokenB, amountADesired, amountBDesired, amountAMin, amountBMin);
        liquidity = IPoolOfTwo(at).mint(to);
    }

    function addLiquidityETH(
        address token,
        uint256 amountTokenDesired,
        uint256 amountTokenMin,
        uint256 amountETHMin,
        address to,
        uint256 deadline
    ) external payable inTime(deadline) returns (uint256 amountToken, uint256 amountETH, uint256 liquidity) {
        address at;
        (at, amountToken, amountETH) = fit(token, WETH, amountTokenDesired, msg.value, amountTokenMin, amountETHMin);
        IERC20(token).safeTransferFrom(msg.sender, at, amountToken);
        wrap(at, amountETH);
        liquidity = IPoolOfTwo(at).mint(to);
        refund(amountETH);
    }

    // ---- Taking out.

    function removeLiquidity(
        address tokenA,
        address tokenB,
        uint256 liquidity,
        uint256 amountAMin,
        uint256 amountBMin,
        address to,
        uint256 deadline
    ) external inTime(deadline) returns (uint256, uint256) {
        return withdraw(tokenA, tokenB, liquidity, amountAMin, amountBMin, to);
    }

    function removeLiquidityETH(
        address token,
        uint256 liquidity,
        uint256 amountTokenMin,
        uint256 amountETHMin,
        address to,
        uint256 deadline
    ) external inTime(deadline) returns (uint256, uint256) {
        return withdrawCoins(token, liquidity, amountTokenMin, amountETHMin, to);
    }

    function removeLiquidityETHSupportingFeeOnTransferTokens(
        address token,
        uint256 liquidity,
        uint256 amountTokenMin,
        uint256 amountETHMin,
        address to,
        uint256 deadline
    ) external inTime(deadline) returns (uint256) {
        return withdrawWhatArrives(token, liquidity, amountTokenMin, amountETHMin, to);
    }

    function removeLiquidityWithPermit(
        address tokenA,
        address tokenB,
        uint256 liquidity,
        uint256 amountAMin,
        uint256 amountBMin,
        address to,
        uint256 deadline,
        bool approveMax,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external inTime(deadline) returns (uint256, uint256) {
        permit(pool(tokenA, tokenB), approveMax ? type(uint256).max : liquidity, deadline, v, r, s);
        return withdraw(tokenA, tokenB, liquidity, amountAMin, amountBMin, to);
    }

    function removeLiquidityETHWithPermit(
        address token,
        uint256 liquidity,
        uint256 amountTokenMin,
        uint256 amountETHMin,
        address to,
        uint256 deadline,
        bool approveMax,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external inTime(deadline) returns (uint256, uint256) {
        permit(pool(token, WETH), approveMax ? type(uint256).max : liquidity, deadline, v, r, s);
        return withdrawCoins(token, liquidity, amountTokenMin, amountETHMin, to);
    }

    function removeLiquidityETHWithPermitSupportingFeeOnTransferTokens(
        address token,
        uint256 liquidity,
        uint256 amountTokenMin,
        uint256 amountETHMin,
        address to,
        uint256 deadline,
        bool approveMax,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external inTime(deadline) returns (uint256) {
        permit(pool(token, WETH), approveMax ? type(uint256).max : liquidity, deadline, v, r, s);
        return withdrawWhatArrives(token, liquidity, amountTokenMin, amountETHMin, to);
    }

    // ---- Trading.

    function swapExactTokensForTokens(
        uint256 amountIn,
        uint256 amountOutMin,
        address[] memory path,
        address to,
        uint256 deadline
    ) external inTime(deadline) returns (uint256[] memory amounts) {
        amounts = forAtLeast(amountIn, amountOutMin, path);
        take(path, amountIn);
        trade(amounts, path, to);
    }

    function swapTokensForExactTokens(
        uint256 amountOut,
        uint256 amountInMax,
        address[] memory path,
        address to,
        uint256 deadline
    ) external inTime(deadline) returns (uint256[] memory amounts) {
        amounts = forAtMost(amountOut, amountInMax, path);
        take(path, amounts[0]);
        trade(amounts, path, to);
    }

    function swapExactETHForTokens(uint256 amountOutMin, address[] memory path, address to, uint256 deadline)
        external
        payable
        inTime(deadline)
        returns (uint256[] memory amounts)
    {
        fromCoins(path);
        amounts = forAtLeast(msg.value, amountOutMin, path);
        wrap(pool(path[0], path[1]), msg.value);
        trade(amounts, path, to);
    }

    function swapTokensForExactETH(
        uint256 amountOut,
        uint256 amountInMax,
        address[] memory path,
        address to,
        uint256 deadline
    ) external inTime(deadline) returns (uint256[] memory amounts) {
        toCoins(path);
        amounts = forAtMost(amountOut, amountInMax, path);
        take(path, amounts[0]);
        trade(amounts, path, address(this));
        unwrap(to, amountOut);
    }

    function swapExactTokensForETH(
        uint256 amountIn,
        uint256 amountOutMin,
        address[] memory path,
        address to,
        uint256 deadline
    ) external inTime(deadline) returns (uint256[] memory amounts) {
        toCoins(path);
        amounts = forAtLeast(amountIn, amountOutMin, path);
        take(path, amountIn);
        trade(amounts, path, address(this));
        unwrap(to, amounts[amounts.length - 1]);
    }

    function swapETHForExactTokens(uint256 amountOut, address[] memory path, address to, uint256 deadline)
        external
        payable
        inTime(deadline)
        returns (uint256[] memory amounts)
    {
        fromCoins(path);
        amounts = forAtMost(amountOut, msg.value, path);
        wrap(pool(path[0], path[1]), amounts[0]);
        trade(amounts, path, to);
        refund(amounts[0]);
    }

    // ---- Trading what arrives.

    function swapExactTokensForTokensSupportingFeeOnTransferTokens(
        uint256 amountIn,
        uint256 amountOutMin,
        address[] memory path,
        address to,
        uint256 deadline
    ) external inTime(deadline) {
        address[] memory pools = all(path);
        IERC20(path[0]).safeTransferFrom(msg.sender, pools[0], amountIn);
        tradeForAtLeast(pools, path, amountOutMin, to);
    }

    function swapExactETHForTokensSupportingFeeOnTransferTokens(
        uint256 amountOutMin,
        address[] memory path,
        address to,
        uint256 deadline
    ) external payable inTime(deadline) {
        fromCoins(path);
        address[] memory pools = all(path);
        wrap(pools[0], msg.value);
        tradeForAtLeast(pools, path, amountOutMin, to);
    }

    function swapExactTokensForETHSupportingFeeOnTransferTokens(
        uint256 amountIn,
        uint256 amountOutMin,
        address[] memory path,
        address to,
        uint256 deadline
    ) external inTime(deadline) {
        toCoins(path);
        address[] memory pools = all(path);
        IERC20(path[0]).safeTransferFrom(msg.sender, pools[0], amountIn);
        tradeWhatArrives(pools, path, address(this));
        uint256 arrived = ICoins(WETH).balanceOf(address(this));
        if (arrived < amountOutMin) revert InsufficientOutputAmount();
        unwrap(to, arrived);
    }

    // ---- Pools.

    function pool(address tokenA, address tokenB) private view returns (address at) {
        at = IPoolFactory(factory).getPair(tokenA, tokenB);
        if (at == address(0)) revert NoPair(tokenA, tokenB);
    }

    function all(address[] memory path) private view returns (address[] memory pools) {
        if (path.length < 2) revert InvalidPath();
        pools = new address[](path.length - 1);
        for (uint256 i = 0; i < pools.length; i++) pools[i] = pool(path[i], path[i + 1]);
    }

    function reserves(address at, address tokenA, address tokenB) private view returns (uint256, uint256) {
        (uint256 reserve0, uint256 reserve1,) = IPoolOfTwo(at).getReserves();
        return tokenA < tokenB ? (reserve0, reserve1) : (reserve1, reserve0);
    }

    function fit(
        address tokenA,
        address tokenB,
        uint256 desiredA,
        uint256 desiredB,
        uint256 leastA,
        uint256 leastB
    ) private returns (address at, uint256 amountA, uint256 amountB) {
        at = IPoolFactory(factory).getPair(tokenA, tokenB);
        if (at == address(0)) at = IPoolFactory(factory).createPair(tokenA, tokenB);
        (uint256 reserveA, uint256 reserveB) = reserves(at, tokenA, tokenB);
        if (reserveA == 0 && reserveB == 0) return (at, desiredA, desiredB);
        (amountA, amountB) = (desiredA, quote(desiredA, reserveA, reserveB));
        if (amountB <= desiredB) {
            if (amountB < leastB) revert InsufficientBAmount();
        } else {
            (amountA, amountB) = (quote(desiredB, reserveB, reserveA), desiredB);
            if (amountA < leastA) revert InsufficientAAmount();
        }
    }

    function add(
        address tokenA,
        address tokenB,
        uint256 desiredA,
        uint256 desiredB,
        uint256 leastA,
        uint256 leastB
    ) private returns (address at, uint256 amountA, uint256 amountB) {
        (at, amountA, amountB) = fit(tokenA, tokenB, desiredA, desiredB, leastA, leastB);
        IERC20(tokenA).safeTransferFrom(msg.sender, at, amountA);
        IERC20(tokenB).safeTransferFrom(msg.sender, at, amountB);
    }

    function permit(address at, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s) private {
        IPoolOfTwo(at).permit(msg.sender, address(this), value, deadline, v, r, s);
    }

    function withdraw(address tokenA, address tokenB, uint256 liquidity, uint256 leastA, uint256 leastB, address to)
        private
        returns (uint256 amountA, uint256 amountB)
    {
        address at = pool(tokenA, tokenB);
        IPoolOfTwo(at).transferFrom(msg.sender, at, liquidity);
        (amountA, amountB) = IPoolOfTwo(at).burn(to);
        if (tokenA > tokenB) (amountA, amountB) = (amountB, amountA);
        if (amountA < leastA) revert InsufficientAAmount();
        if (amountB < leastB) revert InsufficientBAmount();
    }

    function withdrawCoins(address token, uint256 liquidity, uint256 leastToken, uint256 leastCoins, address to)
        private
        returns (uint256 amountToken, uint256 amountCoins)
    {
        (amountToken, amountCoins) = withdraw(token, WETH, liquidity, leastToken, leastCoins, address(this));
        IERC20(token).safeTransfer(to, amountToken);
        unwrap(to, amountCoins);
    }

    function withdrawWhatArrives(address token, uint256 liquidity, uint256 leastToken, uint256 leastCoins, address to)
        private
        returns (uint256 amountCoins)
    {
        (, amountCoins) = withdraw(token, WETH, liquidity, leastToken, leastCoins, address(this));
        IERC20(token).safeTransfer(to, IERC20(token).balanceOf(address(this)));
        unwrap(to, amountCoins);
    }

    // ---- Paths.

    function start(address[] memory path) private pure returns (uint256[] memory) {
        if (path.length < 2) revert InvalidPath();
        return new uint256[](path.length);
    }

    function fromCoins(address[] memory path) private view {
        if (path.length == 0 || path[0] != WETH) revert InvalidPath();
    }

    function toCoins(address[] memory path) private view {
        if (path.length == 0 || path[path.length - 1] != WETH) revert InvalidPath();
    }

    function forAtLeast(uint256 amountIn, uint256 least, address[] memory path)
        private
        view
        returns (uint256[] memory amounts)
    {
        amounts = getAmountsOut(amountIn, path);
        if (amounts[path.length - 1] < least) revert InsufficientOutputAmount();
    }

    function forAtMost(uint256 amountOut, uint256 most, address[] memory path)
        private
        view
        returns (uint256[] memory amounts)
    {
        amounts = getAmountsIn(amountOut, path);
        if (amounts[0] > most) revert ExcessiveInputAmount();
    }

    function pay(address at, address tokenIn, address tokenOut, uint256 out, address to) private {
        bool isZeroIn = tokenIn < tokenOut;
        IPoolOfTwo(at).swap(isZeroIn ? 0 : out, isZeroIn ? out : 0, to, "");
    }

    function trade(uint256[] memory amounts, address[] memory path, address to) private {
        address at = pool(path[0], path[1]);
        for (uint256 i = 1; i < path.length; i++) {
            address next = i + 1 < path.length ? pool(path[i], path[i + 1]) : to;
            pay(at, path[i - 1], path[i], amounts[i], next);
            at = next;
        }
    }

    function tradeWhatArrives(address[] memory pools, address[] memory path, address to) private {
        for (uint256 i = 0; i < pools.length; i++) {
            (address tokenIn, address tokenOut) = (path[i], path[i + 1]);
            (uint256 within, uint256 out) = reserves(pools[i], tokenIn, tokenOut);
            uint256 arrived = IERC20(tokenIn).balanceOf(pools[i]) - within;
            out = getAmountOut(arrived, within, out);
            pay(pools[i], tokenIn, tokenOut, out, i + 1 < pools.length ? pools[i + 1] : to);
        }
    }

    function tradeForAtLeast(address[] memory pools, address[] memory path, uint256 least, address to) private {
        IERC20 bought = IERC20(path[path.length - 1]);
        uint256 before = bought.balanceOf(to);
        tradeWhatArrives(pools, path, to);
        if (bought.balanceOf(to) - before < least) revert InsufficientOutputAmount();
    }

    // ---- Money.

    function take(address[] memory path, uint256 amount) private {
        IERC20(path[0]).safeTransferFrom(msg.sender, pool(path[0], path[1]), amount);
    }

    function wrap(address at, uint256 amount) private {
        ICoins(WETH).deposit{value: amount}();
        IERC20(WETH).safeTransfer(at, amount);
    }

    function unwrap(address to, uint256 amount) private {
        ICoins(WETH).withdraw(amount);
        send(to, amount);
    }

    function refund(uint256 spent) private {
        if (msg.value > spent) send(msg.sender, msg.value - spent);
    }

    function send(address to, uint256 amount) private {
        (bool isTaken,) = to.call{value: amount}("");
        if (!isTaken) revert NotTaken(to);
    }
}

/// A token of which a fiftieth is destroyed whenever it moves. Everybody lets everybody move it.
contract TaxedModel {
    mapping(address => uint256) public balanceOf;

    event Transfer(address indexed from, address indexed to, uint256 value);

    constructor(uint256 supply) {
        balanceOf[msg.sender] = supply;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        return move(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        return move(from, to, value);
    }

    function move(address from, address to, uint256 value) private returns (bool) {
        balanceOf[from] -= value;
        balanceOf[to] += value - value / 50;
        emit Transfer(from, to, value - value / 50);
        return true;
    }
}
